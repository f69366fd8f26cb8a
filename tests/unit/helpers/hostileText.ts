import fc from "./property.ts";

/** What has meant something to a shell, to xl, GRUB, systemd, ssh, HTML, JSON or a terminal. */
export const FRAGMENTS: readonly string[] = [
  ...[
    "'",
    '"',
    "\\",
    "`",
    "$",
    "$(touch pwned)",
    "`touch pwned`",
    "${HOME}",
    "; touch pwned;",
    "&& touch pwned",
  ],
  ...[
    "\n",
    "\r\n",
    "\t",
    " ",
    "",
    "-",
    "--",
    "-oProxyCommand=touch pwned",
    "#",
    "!",
    "~",
    "~root",
    "*",
    "?",
    "[a-z]",
  ],
  ...[
    "../..",
    "/etc/passwd",
    ",script=/tmp/x",
    ", ",
    "=",
    '" ]\nkernel = "/tmp/k',
    "%h",
    "%%",
    "%i",
    "%n",
    "{{name}}",
  ],
  ...[
    "\nHost *\n  ProxyCommand touch pwned\n",
    "\n[Service]\nExecStart=/bin/false",
    "\nEND\n",
    "<<'END'",
  ],
  ...[
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    '" onload="alert(1)',
    "&lt;",
    "<!--",
    "]]>",
  ],
  ...[
    "javascript:alert(1)",
    "</title>",
    "</svg>",
    "\u001b[2J",
    "\u0007",
    "\u0000",
    "\u007f",
    "\u00e9",
    "\u2028",
    "\ufeff",
  ],
  ...["__proto__", "constructor", "NaN", "0", "-1", "1e999", "null", "a".repeat(300)],
];

/** Texts made of such pieces and of any other characters. */
export const hostileText = (): fc.Arbitrary<string> =>
  fc
    .array(
      fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom(...FRAGMENTS) },
        { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 8 }) },
        { weight: 1, arbitrary: fc.stringMatching(/^[A-Za-z0-9_./:-]{0,12}$/) },
      ),
      { minLength: 1, maxLength: 4 },
    )
    .map((pieces) => pieces.join(""));
