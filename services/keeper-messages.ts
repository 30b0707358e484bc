/** How to start one server. `logFile` gets what it prints. */
export type ServerCommand = {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
};

/** What the keeper is asked for. */
export type KeeperRequest =
  | { readonly type: 'start'; readonly server: ServerCommand }
  | { readonly type: 'end'; readonly name: string; readonly signal: 'SIGTERM' | 'SIGKILL' };

/** What the keeper tells. `exited` also for a server that was asked to end. */
export type KeeperReport =
  | { readonly type: 'ready' }
  | { readonly type: 'started'; readonly name: string; readonly pid: number }
  | { readonly type: 'refused'; readonly name: string; readonly reason: string }
  | { readonly type: 'exited'; readonly name: string; readonly how: string };
