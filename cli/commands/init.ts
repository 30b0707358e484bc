import type { Context } from '../context.ts';
import { writeProject } from '../project-template.ts';

/** `perdura init`: writes a small project that runs. */
export async function init(
  { output, folder }: Context,
  target: string,
  options: { readonly perdura?: string },
): Promise<number> {
  const made = await writeProject({ folder, target, perdura: options.perdura ?? null });
  output.answer(made, () =>
    [
      `Project '${made.name}' is in ${made.folder}.`,
      '',
      `  cd ${target}`,
      '  npm install',
      '  npm test',
      '  npx perdura dev            in one terminal; in another:',
      '  npx perdura data add churn data/churn.csv',
      '  npx perdura run churn',
    ].join('\n'),
  );
  return 0;
}
