#define roundup_pow_of_two(n) ((n) <= 1 ? 1u : 1u << (32 - __builtin_clz((n) - 1)))
