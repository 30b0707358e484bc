import { html, type Markup } from './markup.ts';
import { reportStyle } from './style.ts';

/**
 * One HTML file that needs nothing around it, to be sent by mail, printed and kept: both colour schemes, no script, nothing loaded, and a
 * content policy that forbids both.
 */
export function htmlDocument({
  title,
  body,
  style = null,
}: {
  readonly title: string;
  readonly body: Markup;
  /** Beside the style that all pages share. */
  readonly style?: Markup | null;
}): string {
  return `<!doctype html>
${
  html`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <meta name="color-scheme" content="light dark" />
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'" />
      <title>${title}</title>
      <style>
        ${reportStyle}
        ${style}
      </style>
    </head>
    <body>
      ${body}
    </body>
  </html>`.markup
}
`;
}
