/** One stored version of one object. `etag` is for compare-and-set only, never a hash of the bytes. */
export type StoredVersion = {
  readonly key: string;
  readonly s3VersionId: string;
  readonly etag: string;
  readonly sizeBytes: number;
  readonly modifiedAt: string;
};

/** `ifMatch`: only over the version with this etag; `ifAbsent`: only where nothing is; `retainUntil`: under object lock (COMPLIANCE) until then. */
export type WriteOptions = {
  readonly ifMatch?: string;
  readonly ifAbsent?: boolean;
  readonly retainUntil?: Date;
  readonly contentType?: string;
};

/** `pins`: with the version ids. */
export type ListOptions = { readonly pins?: 'with-versions' };

/** Bytes from memory, or a local file that is streamed. */
export type ObjectBody = Uint8Array | { readonly file: string };

/**
 * The port to a versioned bucket. Every method throws CodedError: NOT_FOUND (no such key or version), CONFLICT (a condition did not
 * hold), SERVICE_UNAVAILABLE (no answer; retryable).
 */
export interface ObjectStore {
  /** What stands at a key, newest or by version id. */
  head(key: string, options?: { readonly s3VersionId?: string }): Promise<StoredVersion>;
  /** All bytes of an object that fits in memory. */
  read(
    key: string,
    options?: { readonly s3VersionId?: string },
  ): Promise<{ readonly version: StoredVersion; readonly bytes: Uint8Array }>;
  /** The bytes of an object of any size. */
  stream(key: string, options?: { readonly s3VersionId?: string }): AsyncIterable<Uint8Array>;
  /** Writes a new version. */
  write(key: string, body: ObjectBody, options?: WriteOptions): Promise<StoredVersion>;
  /**
   * The newest versions under a prefix, in key order; deleted keys are left out. `s3VersionId` is empty, because plain listings do not carry it,
   * unless `pins` asks for it: that listing walks old versions too and takes longer where there are many.
   */
  list(prefix: string, options?: ListOptions): AsyncIterable<StoredVersion>;
  /** All versions of one key, newest first. */
  versions(key: string): Promise<readonly StoredVersion[]>;
}
