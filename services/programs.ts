import { CodedError } from '../domain/errors.ts';

/** A server program that the resolver can find, download or build. Both programs go the same way. */
export type ServerProgram = {
  readonly name: 'temporal' | 'versitygw';
  /** What it is, for a person. */
  readonly title: string;
  readonly version: string;
  /** What `go install` takes, without the version. */
  readonly goPackage: string;
  /** The module that holds the package: `go list -m` tells in a second whether it can be had at all. */
  readonly goModule: string;
  /** The oldest Go that builds it, by its go.mod. */
  readonly oldestGo: string;
  /** What `--version` of the right program prints: another program of the same name is not taken. */
  readonly versionPattern: RegExp;
  /** The setting that names a program by its path. */
  readonly setting: string;
  /** Where the releases are, below the release host. */
  readonly releasePath: string;
  /** The release's archive for a platform, null where there is none. The member is a file name, in whatever folder of the archive. */
  archive(platform: Platform): string | null;
};

/** Of Node: `process.platform` and `process.arch`. */
export type Platform = { readonly os: string; readonly arch: string };

/** Both projects release there; the checksums are the release's own. */
export const releaseHost = 'https://github.com';

const goArch: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Later tags of the CLI carry a `replace` in go.mod and cannot be built by `go install`. */
export const temporalProgram: ServerProgram = {
  name: 'temporal',
  title: 'the Temporal dev server',
  version: 'v1.5.1',
  goPackage: 'github.com/temporalio/cli/cmd/temporal',
  goModule: 'github.com/temporalio/cli',
  oldestGo: '1.25.0',
  versionPattern: /^temporal version .*\(Server /m,
  setting: 'PERDURA_TEMPORAL_BINARY',
  releasePath: 'temporalio/cli/releases/download',
  archive({ os, arch }) {
    const cpu = goArch[arch];
    return cpu !== undefined && (os === 'linux' || os === 'darwin') ? `temporal_cli_1.5.1_${os}_${cpu}.tar.gz` : null;
  },
};

/** An S3 server over a plain folder, with versions, object lock and conditional writes. */
export const s3Program: ServerProgram = {
  name: 'versitygw',
  title: 'the S3 server',
  version: 'v1.7.0',
  goPackage: 'github.com/versity/versitygw/cmd/versitygw',
  goModule: 'github.com/versity/versitygw',
  oldestGo: '1.25.0',
  versionPattern: /^Version\s*:/m,
  setting: 'PERDURA_S3_BINARY',
  releasePath: 'versity/versitygw/releases/download',
  archive({ os, arch }) {
    const system = { linux: 'Linux', darwin: 'Darwin' }[os];
    const cpu = { x64: 'x86_64', arm64: 'arm64' }[arch];
    return system === undefined || cpu === undefined ? null : `versitygw_v1.7.0_${system}_${cpu}.tar.gz`;
  },
};

/**
 * This machine as Go names it, for the toolchain: `linux-amd64`.
 *
 * @throws CodedError SERVICE_UNOBTAINABLE on a processor that Go's releases have no such name for here.
 */
export function goPlatform(platform: Platform): string {
  const cpu = goArch[platform.arch];
  if (cpu === undefined) {
    throw new CodedError(
      'SERVICE_UNOBTAINABLE',
      `No Go toolchain is known for the processor '${platform.arch}'. Install Go yourself and put it on the PATH.`,
    );
  }
  return `${platform.os}-${cpu}`;
}
