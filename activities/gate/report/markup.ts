/** Text that is HTML already: only `html` makes it, so that nothing else gets into a page unescaped. */
export type Markup = { readonly markup: string };

/** What may stand in a template: text and numbers are escaped, markup is taken as it is, null is nothing. */
export type Content = string | number | null | Markup | readonly Content[];

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/**
 * HTML from a template in which every value is escaped unless it is markup. Attributes must stand in quotes; nothing may be put into a
 * script, a style or an address.
 *
 * @example html`<td>${value}</td>`
 */
export function html(parts: TemplateStringsArray, ...values: readonly Content[]): Markup {
  return { markup: parts.map((part, place) => part + render(values[place] ?? null)).join('') };
}

/**
 * A text of the data as it is shown: at most `length` characters, control characters as their symbols, and set apart so that letters
 * written from right to left do not turn what stands around them.
 */
export function dataText(text: string, length: number): Markup {
  return html`<bdi>${shortened(text, length)}</bdi>`;
}

/** The first characters of a text, with control characters made visible. */
export function shortened(text: string, length: number): string {
  // Twice the length is room for characters of two code units.
  const characters = Array.from(text.slice(0, 2 * length + 2));
  const shown = characters.length > length ? [...characters.slice(0, length), '…'] : characters;
  return shown.join('').replaceAll(/\p{Cc}/gu, (control) => {
    const code = control.codePointAt(0) ?? 0;
    return code < 0x20 ? String.fromCodePoint(0x2400 + code) : '\u{fffd}';
  });
}

/** Markup that was made elsewhere by something that escapes; a reader looks here for what is trusted. */
export function trusted(markup: string): Markup {
  return { markup };
}

function render(content: Content): string {
  if (content === null) return '';
  if (typeof content === 'number') return String(content);
  if (typeof content === 'string') return content.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
  if ('markup' in content) return content.markup;
  return content.map(render).join('');
}
