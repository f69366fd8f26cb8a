/*
 * FUZZ_COUNT (default 300000) texts of an `ip` node, given without a terminator: the parser keeps to its bounds, takes
 * only hosts' addresses, and what it publishes it reads back as the same. Seed: FUZZ_SEED, default 1.
 */
#include <stdlib.h>
#include <string.h>

#include "addresses.h"
#include "random.h"
#include "units.h"

bool check_failed;
uint64_t random_state;

static size_t make_text(char *text)
{
	static const char *const pieces[] = {"10.83.0.1", "1.2.3.4", "0.0.0.0", "255.255.255.255", "/24", ",", " ", "fe80::1", "256", "01"};
	size_t length = 0;

	for (unsigned int n = below(12); n; n--) {
		const char *piece = pieces[below(sizeof(pieces) / sizeof(pieces[0]))];

		memcpy(text + length, piece, strlen(piece));
		length += strlen(piece);
		if (once_in(2))
			text[length++] = " ,\t"[below(3)];
	}
	for (unsigned int n = below(4); length && n; n--)
		text[below((unsigned int)length)] = (char)any();
	return length;
}

static void round_trip(void)
{
	char text[512], published[ADDRESSES_TEXT], *exact;
	struct addresses list = {0}, again = {0};
	size_t length = make_text(text);

	exact = malloc(length ? length : 1);
	memcpy(exact, text, length);
	addresses_add_text(&list, exact, length);
	free(exact);
	for (unsigned int i = 0; i < list.count; i++) {
		unsigned int first = list.address[i] >> 24;

		CHECK(first && first != 127 && first < 224);
	}
	addresses_format(&list, published);
	CHECK(addresses_add_text(&again, published, strlen(published)));
	CHECK_EQUAL(again.count, list.count);
	for (unsigned int i = 0; i < list.count; i++)
		CHECK(addresses_have(&again, list.address[i]));
}

int main(void)
{
	const char *count = getenv("FUZZ_COUNT"), *seed = getenv("FUZZ_SEED");

	TESTS_BEGIN;
	random_start(seed ? strtoul(seed, NULL, 10) : 1);
	for (unsigned long i = count ? strtoul(count, NULL, 10) : 300000; i && !check_failed; i--)
		round_trip();
	printf("%s texts\n", check_failed ? "FAIL" : "ok");
	return check_failed;
}
