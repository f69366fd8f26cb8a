/* Good enough for a table of few. */
#define jhash_3words(a, b, c, seed) ((u32)(a) * 31 + (u32)(b) * 7 + (u32)(c) + (seed))
