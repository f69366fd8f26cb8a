import ssh2 from "ssh2";

/** Of 256 pairs that ssh2 makes one is malformed; twenty in a row are not chance. */
const ATTEMPTS = 20;

/** An Ed25519 key pair: private key in OpenSSH's format, public key as `ssh-ed25519 AAAA...` without a comment. */
export function newKey(comment: string): { privateKey: string; publicKey: string } {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const pair = ssh2.utils.generateKeyPairSync("ed25519", { comment });
    const publicKey = pair.public.split(" ").slice(0, 2).join(" ");
    // ssh2 drops leading zero bytes of the public half, which nothing can read then.
    if (!(ssh2.utils.parseKey(pair.private) instanceof Error))
      return { privateKey: pair.private, publicKey };
  }
  throw new Error("no well-formed key could be made");
}
