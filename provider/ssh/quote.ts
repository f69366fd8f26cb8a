/** One word for a POSIX shell, whatever it holds. */
export function quote(word: string): string {
  if (word.includes("\0")) throw new Error("a shell word cannot hold a NUL byte");
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
