/* v4vd on a XenStore of the test's own: whose addresses are published, and when. */
#include <stdlib.h>
#include <string.h>

#include "collect.h"
#include "fake_store.h"
#include "publish.h"
#include "units.h"

bool check_failed;
static struct peers peers;

void bridge_addresses(const char *name, struct addresses *list)
{
	if (strcmp(name, "xenbr0") == 0)
		addresses_add(list, 0x0a530001);
}

static void vif(unsigned int domid, unsigned int device, const char *ip)
{
	char path[64];

	fake_domain(domid, true);
	snprintf(path, sizeof(path), VIFS "/%u/%u/ip", domid, device);
	fake_set(path, ip, 0, -1);
	snprintf(path, sizeof(path), VIFS "/%u/%u/bridge", domid, device);
	fake_set(path, "xenbr0", 0, -1);
}

static unsigned int look(void)
{
	unsigned int disputed = collect(NULL, &peers);

	CHECK(publish(NULL, &peers));
	return disputed;
}

#define CHECK_PEER(domid, text)                                                                 \
	do {                                                                                    \
		const char *is_ = fake_get(PEERS_FOLDER "/" domid);                             \
		if (!is_ || strcmp(is_, text) != 0 || !fake_is_public(PEERS_FOLDER "/" domid)) { \
			printf("# %s:%d: %s is \"%s\"\n", __FILE__, __LINE__, domid, is_ ? is_ : "absent"); \
			check_failed = true;                                                    \
		}                                                                               \
	} while (0)

static void addresses_of_domains_are_published(void)
{
	vif(3, 0, "10.83.0.11");
	vif(4, 0, "10.83.0.12");
	vif(4, 1, "192.168.1.4/24,fe80::1 10.83.0.13");
	CHECK_EQUAL(look(), 0);
	CHECK_PEER("0", "10.83.0.1");
	CHECK_PEER("3", "10.83.0.11");
	CHECK_PEER("4", "10.83.0.12 10.83.0.13 192.168.1.4");
	CHECK(fake_is_public("/v4v") && fake_is_public(PEERS_FOLDER));
}

static void what_has_not_changed_is_not_written(void)
{
	vif(3, 0, "10.83.0.11");
	look();
	fake_writes = 0;
	look();
	CHECK_EQUAL(fake_writes, 0);
	vif(3, 0, "10.83.0.31");
	look();
	CHECK_EQUAL(fake_writes, 1);
	CHECK_PEER("3", "10.83.0.31");
}

static void a_domain_that_goes_is_no_peer(void)
{
	vif(3, 0, "10.83.0.11");
	vif(4, 0, "10.83.0.12");
	look();
	fake_remove(VIFS "/3");
	look();
	CHECK(!fake_get(PEERS_FOLDER "/3"));
	/* The toolstack may leave the node of one that is gone. */
	fake_domain(4, false);
	look();
	CHECK(!fake_get(PEERS_FOLDER "/4"));
	CHECK(!fake_get(PEERS_FOLDER "/0"));
}

static void an_address_of_two_domains_is_nobodys(void)
{
	vif(3, 0, "10.83.0.11 10.83.0.20");
	vif(4, 0, "10.83.0.12 10.83.0.20");
	vif(5, 0, "10.83.0.20");
	/* Dom0's own is not for others either. */
	vif(6, 0, "10.83.0.1");
	CHECK_EQUAL(look(), 2);
	CHECK_PEER("3", "10.83.0.11");
	CHECK_PEER("4", "10.83.0.12");
	CHECK(!fake_get(PEERS_FOLDER "/5"));
	CHECK(!fake_get(PEERS_FOLDER "/6"));
	CHECK(!fake_get(PEERS_FOLDER "/0"));
}

static void what_a_guest_may_write_is_not_believed(void)
{
	vif(3, 0, "10.83.0.11");
	vif(4, 0, "10.83.0.12");
	fake_set(VIFS "/4/0/ip", "10.83.0.11", 4, -1);
	look();
	CHECK_PEER("3", "10.83.0.11");
	CHECK(!fake_get(PEERS_FOLDER "/4"));
	fake_set(VIFS "/4/0/ip", "10.83.0.11", 0, 4);
	look();
	CHECK_PEER("3", "10.83.0.11");
	CHECK(!fake_get(PEERS_FOLDER "/4"));
	/* Nor is its own front end. */
	fake_set("/local/domain/4/device/vif/0/ip", "10.83.0.11", 4, -1);
	look();
	CHECK_PEER("3", "10.83.0.11");
}

static void what_others_put_there_goes(void)
{
	fake_set(PEERS_FOLDER "/7", "10.83.0.11", 7, -1);
	fake_set(PEERS_FOLDER "/x", "10.83.0.11", 0, -1);
	fake_set(PEERS_FOLDER "/3", "10.83.0.99", 3, -1);
	vif(3, 0, "10.83.0.11");
	look();
	CHECK(!fake_get(PEERS_FOLDER "/7"));
	CHECK(!fake_get(PEERS_FOLDER "/x"));
	CHECK_PEER("3", "10.83.0.11");
}

static void at_the_end_nobody_is_a_peer(void)
{
	vif(3, 0, "10.83.0.11");
	look();
	CHECK(publish_nothing(NULL));
	CHECK(!fake_get(PEERS_FOLDER "/3"));
	CHECK(!fake_get(PEERS_FOLDER "/0"));
}

static void a_refusal_is_told(void)
{
	vif(3, 0, "10.83.0.11");
	fake_refuses = true;
	collect(NULL, &peers);
	CHECK(!publish(NULL, &peers));
}

static void odd_names_are_left_out(void)
{
	fake_domain(32752, true);
	fake_set(VIFS "/32752/0/ip", "10.83.0.11", 0, -1);
	fake_set(VIFS "/03/0/ip", "10.83.0.11", 0, -1);
	fake_set(VIFS "/-1/0/ip", "10.83.0.11", 0, -1);
	vif(3, 64, "10.83.0.11");
	fake_set(VIFS "/3/1x/ip", "10.83.0.11", 0, -1);
	look();
	CHECK_EQUAL(peers.count, 0);
}

static void the_number_of_domains_is_bounded(void)
{
	for (unsigned int i = 1; i <= PEERS_MAX + 20; i++) {
		char ip[32];

		snprintf(ip, sizeof(ip), "10.1.%u.%u", i / 256, i % 256);
		vif(i, 0, ip);
	}
	look();
	CHECK_EQUAL(peers.count, PEERS_MAX);
	CHECK_PEER("0", "10.83.0.1");
}

static int run_test(const char *name, void (*test)(void))
{
	check_failed = false;
	fake_clear();
	test();
	printf("%s %s\n", check_failed ? "FAIL" : "ok", name);
	return check_failed;
}

int main(void)
{
	int failed = 0;

	TESTS_BEGIN;
	failed += TEST(addresses_of_domains_are_published);
	failed += TEST(what_has_not_changed_is_not_written);
	failed += TEST(a_domain_that_goes_is_no_peer);
	failed += TEST(an_address_of_two_domains_is_nobodys);
	failed += TEST(what_a_guest_may_write_is_not_believed);
	failed += TEST(what_others_put_there_goes);
	failed += TEST(at_the_end_nobody_is_a_peer);
	failed += TEST(a_refusal_is_told);
	failed += TEST(odd_names_are_left_out);
	failed += TEST(the_number_of_domains_is_bounded);
	return failed > 0;
}
