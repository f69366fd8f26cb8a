/* Ports start where the tests can tell them. */
#define get_random_u32_below(limit) 0u
