import ssh2 from "ssh2";

/** An Ed25519 key pair: private key in OpenSSH's format, public key as `ssh-ed25519 AAAA...` without a comment. */
export function newKey(comment: string): { privateKey: string; publicKey: string } {
  const pair = ssh2.utils.generateKeyPairSync("ed25519", { comment });
  return { privateKey: pair.private, publicKey: pair.public.split(" ").slice(0, 2).join(" ") };
}
