/*
 * FUZZ_COUNT (default 300000) texts made of pieces of address lists, given to the parser without a terminator; what it
 * takes is what inet_pton() takes, word by word. Seed: FUZZ_SEED, default 1.
 */
#include <stdlib.h>

#include "peer.h"
#include "peers.h"
#include "random.h"

/* Of the C library, whose headers do not go with the shim's. */
extern int inet_pton(int family, const char *text, void *address);
#define FAMILY_INET 2

uint64_t random_state;

static size_t make_text(char *text)
{
	static const char *const pieces[] = {"10.83.0.1", "1.2.3.4", ".", " ", "0", "255", "256", "10", "-", "/", "\n", "1.1.1"};
	size_t length = 0;

	for (u32 n = below(8); n; n--) {
		const char *piece = pieces[below(ARRAY_SIZE(pieces))];

		memcpy(text + length, piece, strlen(piece));
		length += strlen(piece);
		if (!once_in(3))
			text[length++] = " ."[once_in(4)];
	}
	if (length && once_in(2))
		length -= 1;
	if (length && once_in(4))
		text[below((u32)length)] = (char)any();
	return length;
}

/* The same by other means: how many addresses, or -1. */
static int expected(const char *text, size_t length)
{
	char copy[256], *word = copy;
	int n = 0;

	memcpy(copy, text, length);
	copy[length] = '\0';
	if (strlen(copy) != length)
		return -1;
	for (;;) {
		char *blank = strchr(word, ' ');
		unsigned char address[4];

		if (blank)
			*blank = '\0';
		if (inet_pton(FAMILY_INET, word, address) != 1)
			return -1;
		if (!address[0] || address[0] == 127 || address[0] >= 224 || ++n > V4V_PEER_ADDRESSES)
			return -1;
		if (!blank)
			return n;
		word = blank + 1;
	}
}

static void texts(void)
{
	const char *count = getenv("FUZZ_COUNT"), *seed = getenv("FUZZ_SEED");
	struct v4v_peers *table = kvzalloc(sizeof(*table), GFP_KERNEL);

	random_start(seed ? strtoul(seed, NULL, 10) : 1);
	for (unsigned long i = count ? strtoul(count, NULL, 10) : 300000; i; i--) {
		char text[256];
		size_t length = make_text(text);
		char *exact = malloc(length ? length : 1);
		int want = expected(text, length);
		bool taken;

		memcpy(exact, text, length);
		table->count = 0;
		taken = v4v_peers_add(table, 1, exact, length);
		free(exact);
		if (taken != (want > 0) || (taken && (int)table->count != want)) {
			printf("# \"%.*s\": %d taken, %d expected\n", (int)length, text, taken ? (int)table->count : -1, want);
			CHECK(false);
			break;
		}
	}
	v4v_peers_use(table);
	v4v_peers_use(NULL);
}

int main(void)
{
	TESTS_BEGIN;
	return TEST(texts);
}
