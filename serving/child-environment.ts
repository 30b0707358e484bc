import { parentEnvironment } from './end-with-parent.ts';

/**
 * This process's environment for a child that runs what a package holds: without the bucket's keys, which only the control process needs.
 * `added` comes on top.
 */
export function childEnvironment(added: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const withheld = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'PERDURA_SERVING_CONFIG'];
  const kept = Object.entries(process.env).filter(([name]) => !withheld.includes(name));
  return { ...Object.fromEntries(kept), ...parentEnvironment(), ...added };
}
