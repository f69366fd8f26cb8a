/** What this computer and its user are called. */
export interface Names {
  home: string;
  hostname: string;
  /** Values that are secret whatever surrounds them, such as the passphrase. */
  secrets: readonly string[];
}

const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

const HIDDEN = "[redacted]";

/** Each with what takes its place; the order matters, blocks come before the words in them. */
const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // As a file, or with \n as in JSON; to the end of the text if its end was cut off.
  [
    /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g,
    `[private key ${HIDDEN.slice(1)}`,
  ],
  // The end of one whose beginning was cut off.
  [
    /(?:[A-Za-z0-9+/=]{8,}(?:\s|\\n)+)*[A-Za-z0-9+/=]*-----END [A-Z0-9 ]*PRIVATE KEY-----/g,
    `[private key ${HIDDEN.slice(1)}`,
  ],
  [/\b((?:ssh|ecdsa|sk)-[a-z0-9@.-]+) AAAA[A-Za-z0-9+/=]+/g, `$1 ${HIDDEN}`],
  [/\bAAAA[A-Za-z0-9+/]{20,}={0,2}/g, HIDDEN],
  // Ciphertexts and salts of Pulumi's passphrase provider.
  [/\bv1:[A-Za-z0-9+/=]{8,}(?::v1)?:[A-Za-z0-9+/=:]+/g, HIDDEN],
  [/(\b(?:encryptionsalt|secure|ciphertext)"?\s*[:=]\s*"?)[^\s",}]+/gi, `$1${HIDDEN}`],
  [/(pass(?:phrase|word)[A-Z_]*"?\s*[:=]\s*)("[^"\n]*"|'[^'\n]*'|\S+)/gi, `$1${HIDDEN}`],
  [/\b((?:[A-Z0-9_]*_)?(?:TOKEN|SECRET|API_KEY)"?\s*[:=]\s*)("[^"\n]*"|\S+)/g, `$1${HIDDEN}`],
  // User and password in an address.
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/g, `$1${HIDDEN}@`],
];

/** Takes out of a text what a bug report must not carry: keys, passphrases, and who and where its author is. */
export function redact(text: string, { home, hostname, secrets }: Names): string {
  let clean = text;
  for (const secret of secrets.filter((value) => value.length >= 4))
    clean = clean.replaceAll(secret, HIDDEN);
  for (const [pattern, instead] of PATTERNS) clean = clean.replace(pattern, instead);
  if (home.length > 1) {
    const path = new RegExp(`(?<![\\w.-])${literal(home.replace(/\/+$/, ""))}(?![\\w.-])`, "g");
    clean = clean.replace(path, "~");
  }
  // Longest first: the short name is part of the full one.
  const short = hostname.split(".")[0] ?? "";
  for (const name of [hostname, short].filter((word) => word !== "" && word !== "localhost"))
    clean = clean.replace(new RegExp(`(?<![\\w-])${literal(name)}(?![\\w-])`, "g"), "[this host]");
  return clean;
}
