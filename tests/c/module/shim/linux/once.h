/* The same in each run. */
#define get_random_once(to, size) memset(to, 7, size)
