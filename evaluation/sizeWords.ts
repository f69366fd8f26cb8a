/** `64KiB` in bytes, from 1 to `most`; undefined for what is no such size. */
export function sizeOf(word: string, most: number): number | undefined {
  const match = /^(\d{1,10})(B|KiB|MiB)?$/.exec(word);
  if (match === null) return undefined;
  const factor = match[2] === "MiB" ? 1024 * 1024 : match[2] === "KiB" ? 1024 : 1;
  const size = Number(match[1]) * factor;
  return size >= 1 && size <= most ? size : undefined;
}
