/* The table of peers: what is a list of addresses, who has one, and what two domains say of the same. */
#include "peer.h"
#include "peers.h"

#include <linux/seq_file.h>

static struct v4v_peers *table;

static void begin(void)
{
	table = kvzalloc(sizeof(*table), GFP_KERNEL);
}

static bool add(u16 domid, const char *text)
{
	return v4v_peers_add(table, domid, text, strlen(text));
}

static long who(unsigned int a, unsigned int b, unsigned int c, unsigned int d)
{
	u16 domid;

	return v4v_peer_of(a << 24 | b << 16 | c << 8 | d, &domid) ? domid : -1;
}

static void addresses_are_found(void)
{
	CHECK_EQUAL(who(10, 83, 0, 11), -1);
	begin();
	CHECK(add(4, "10.83.0.12"));
	CHECK(add(3, "10.83.0.11 192.168.1.1"));
	CHECK(add(0, "10.83.0.1"));
	v4v_peers_use(table);
	CHECK_EQUAL(who(10, 83, 0, 1), 0);
	CHECK_EQUAL(who(10, 83, 0, 11), 3);
	CHECK_EQUAL(who(192, 168, 1, 1), 3);
	CHECK_EQUAL(who(10, 83, 0, 12), 4);
	CHECK_EQUAL(who(10, 83, 0, 13), -1);
	CHECK_EQUAL(who(10, 83, 0, 0), -1);
	CHECK_EQUAL(who(255, 255, 255, 255), -1);
	v4v_peers_use(NULL);
	CHECK_EQUAL(who(10, 83, 0, 11), -1);
}

static void another_table_takes_the_place_of_the_first(void)
{
	begin();
	CHECK(add(4, "10.83.0.12"));
	v4v_peers_use(table);
	begin();
	CHECK(add(5, "10.83.0.12"));
	v4v_peers_use(table);
	CHECK_EQUAL(who(10, 83, 0, 12), 5);
	v4v_peers_use(NULL);
}

static void what_two_domains_have_is_nobodys(void)
{
	begin();
	CHECK(add(4, "10.83.0.12 10.83.0.13"));
	CHECK(add(5, "10.83.0.12"));
	CHECK(add(5, "10.83.0.14 10.83.0.14"));
	CHECK(add(4, "10.83.0.12"));
	v4v_peers_use(table);
	CHECK_EQUAL(who(10, 83, 0, 12), -1);
	CHECK_EQUAL(who(10, 83, 0, 13), 4);
	CHECK_EQUAL(who(10, 83, 0, 14), 5);
	v4v_peers_use(NULL);
}

static void what_is_no_list_is_refused(void)
{
	static const char *const bad[] = {
		"", " ", "10.83.0", "10.83.0.", "10.83.0.256", "10.83.0.1.2", "10.83.0.01", " 10.83.0.1", "10.83.0.1 ",
		"10.83.0.1  10.83.0.2", "10.83.0.1,10.83.0.2", "10.83.0.-1", "+10.83.0.1", "0x0a.1.1.1", "1.1.1.4294967297",
		"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "255.255.255.255", "fe80::1", "10.83.0.1/24", "10.83.0.1\n",
		"1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5 1.1.1.6 1.1.1.7 1.1.1.8 1.1.1.9",
	};

	begin();
	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++)
		if (add(1, bad[i])) {
			CHECK(false);
			printf("# taken: \"%s\"\n", bad[i]);
		}
	CHECK(!v4v_peers_add(table, 1, "10.83.0.1\0", 10));
	CHECK_EQUAL(table->count, 0);
	CHECK(add(1, "1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5 1.1.1.6 1.1.1.7 255.255.255.255") == false);
	CHECK(add(1, "1.1.1.1 1.1.1.2 1.1.1.3 1.1.1.4 1.1.1.5 1.1.1.6 1.1.1.7 223.255.255.255"));
	v4v_peers_use(table);
	v4v_peers_use(NULL);
}

static void the_table_is_bounded(void)
{
	u32 taken = 0;

	begin();
	for (unsigned int i = 0; i < V4V_PEERS_MAX + 10; i++) {
		char text[32];

		snprintf(text, sizeof(text), "10.1.%u.%u", i / 256, i % 256);
		taken += add((u16)i, text);
	}
	CHECK_EQUAL(taken, V4V_PEERS_MAX);
	v4v_peers_use(table);
	for (unsigned int i = 0; i < V4V_PEERS_MAX; i++)
		CHECK_EQUAL(who(10, 1, i / 256, i % 256), i);
	v4v_peers_use(NULL);
}

static void a_domain_id_is_a_number(void)
{
	static const char *const bad[] = {"", "-1", "+1", "01", "1 ", " 1", "32756", "65536", "4294967296", "x", "1x"};
	u16 domid;

	for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!v4v_domid_of(bad[i], &domid));
	CHECK(v4v_domid_of("0", &domid));
	CHECK_EQUAL(domid, 0);
	CHECK(v4v_domid_of("32755", &domid));
	CHECK_EQUAL(domid, 32755);
}

static void processes_can_read_it(void)
{
	peer_start();
	begin();
	CHECK(add(4, "10.83.0.12 10.83.0.13"));
	CHECK(add(5, "10.83.0.13"));
	CHECK(add(0, "10.83.0.1"));
	v4v_peers_use(table);
	CHECK(strcmp(proc_read("peers"), "cid address\n2 10.83.0.1\n6 10.83.0.12\n") == 0);
	v4v_peers_use(NULL);
	CHECK(strcmp(proc_read("peers"), "cid address\n") == 0);
	peer_stop();
}

int main(void)
{
	int failed = 0;

	TESTS_BEGIN;
	failed += TEST(addresses_are_found);
	failed += TEST(another_table_takes_the_place_of_the_first);
	failed += TEST(what_two_domains_have_is_nobodys);
	failed += TEST(what_is_no_list_is_refused);
	failed += TEST(the_table_is_bounded);
	failed += TEST(a_domain_id_is_a_number);
	failed += TEST(processes_can_read_it);
	return failed > 0;
}
