/* Modes and lists: what is one, what it means, and where it is read from. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "endpoint.h"
#include "policy.h"
#include "units.h"

bool check_failed;

static bool parse(const char *text, struct rule *rule)
{
	return rule_parse(text, strlen(text), rule);
}

static void rules_are_addresses_and_ports(void)
{
	struct rule rule;

	CHECK(parse("10.83.0.11", &rule));
	CHECK(rule.address == 0x0a53000b && rule.mask == ~0u && rule.first_port == 0 && rule.last_port == 65535);
	CHECK(parse("10.83.0.11/24:80-90", &rule));
	CHECK(rule.address == 0x0a530000 && rule.mask == 0xffffff00 && rule.first_port == 80 && rule.last_port == 90);
	CHECK(parse(":5201", &rule));
	CHECK(rule.mask == 0 && rule.first_port == 5201 && rule.last_port == 5201);
	CHECK(parse("*", &rule));
	CHECK(rule.mask == 0 && rule.last_port == 65535);
	CHECK(parse("*:*", &rule));
	CHECK(parse("0.0.0.0/0:0-65535", &rule));
}

static void what_is_no_rule_is_refused(void)
{
	static const char *const bad[] = {"", ":", "x", "10.83.0", "10.83.0.256", "10.83.0.1/33", "10.83.0.1/", "10.83.0.1:",
					  "10.83.0.1:65536", "10.83.0.1:90-80", "10.83.0.1:80-", "**", "10.83.0.1 ", "-1",
					  "::1", "10.83.0.1:80:90", "4294967296.1.1.1"};
	struct rule rule = {.address = 7};

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(bad[i], &rule)) {
			printf("# taken: \"%s\"\n", bad[i]);
			CHECK(false);
		}
	CHECK_EQUAL(rule.address, 7);
}

static void a_file_says_mode_and_lists(void)
{
	static const char text[] = "# comment\n\n mode = require \ninclude=10.83.0.0/24, :80\r\nexclude = :22\n  # more\nmode=auto";
	struct policy policy = {0};

	CHECK_EQUAL(policy_text(&policy, text, sizeof(text) - 1), 0);
	CHECK(policy.mode == MODE_AUTO && policy.include.count == 2 && policy.exclude.count == 1);
	CHECK_EQUAL(policy_text(&policy, "mode = on\n", 10), 1);
	CHECK_EQUAL(policy_text(&policy, "\ninclude 1.2.3.4\n", 17), 2);
	CHECK_EQUAL(policy_text(&policy, "\n\nexclude = 1.2.3\n", 18), 3);
	CHECK_EQUAL(policy_text(&policy, "modes = auto", 12), 1);
}

static void lists_are_bounded(void)
{
	struct rules rules = {0};

	for (unsigned int i = 0; i < RULES_MAX; i++)
		CHECK(rules_add(&rules, ":1", 2));
	CHECK(!rules_add(&rules, ":1", 2));
	CHECK_EQUAL(rules.count, RULES_MAX);
}

static void lists_choose(void)
{
	struct policy policy = {0};

	CHECK(policy_wants(&policy, 0x0a53000b, 80));
	policy_text(&policy, "exclude = 10.83.0.12, :22", 25);
	CHECK(policy_wants(&policy, 0x0a53000b, 80));
	CHECK(!policy_wants(&policy, 0x0a53000b, 22));
	CHECK(!policy_wants(&policy, 0x0a53000c, 80));
	policy_text(&policy, "include = 10.83.0.0/24:80-89", 28);
	CHECK(policy_wants(&policy, 0x0a53000b, 89));
	CHECK(!policy_wants(&policy, 0x0a53000b, 90));
	CHECK(!policy_wants(&policy, 0x0a540001, 80));
	CHECK(!policy_wants(&policy, 0x0a53000c, 80));
	/* A listener on all addresses. */
	CHECK(policy_wants(&policy, 0, 80));
	CHECK(!policy_wants(&policy, 0, 22));
	policy.mode = MODE_OFF;
	CHECK(!policy_wants(&policy, 0x0a53000b, 80));
}

static void the_environment_adds_to_the_file(void)
{
	char path[] = "/tmp/v4v-policy.XXXXXX", error[256];
	struct policy policy;
	int fd = mkstemp(path);

	CHECK(write(fd, "mode = require\ninclude = :80\n", 29) == 29);
	close(fd);
	setenv("V4V_CONFIG", path, 1);
	setenv("V4V_INCLUDE", ":81", 1);
	CHECK(policy_load(&policy, error, sizeof(error)));
	CHECK(policy.mode == MODE_REQUIRE && policy.include.count == 2);
	setenv("V4V_MODE", "off", 1);
	CHECK(policy_load(&policy, error, sizeof(error)));
	CHECK(policy.mode == MODE_OFF);
	setenv("V4V_MODE", "of", 1);
	CHECK(!policy_load(&policy, error, sizeof(error)));
	CHECK_HOLDS(error, "V4V_MODE=of");
	unsetenv("V4V_MODE");
	setenv("V4V_EXCLUDE", "nowhere", 1);
	CHECK(!policy_load(&policy, error, sizeof(error)));
	CHECK_HOLDS(error, "V4V_EXCLUDE");
	unsetenv("V4V_EXCLUDE");
	unlink(path);
	CHECK(!policy_load(&policy, error, sizeof(error)));
	CHECK_HOLDS(error, "cannot be read");
	unsetenv("V4V_CONFIG");
	unsetenv("V4V_INCLUDE");
}

static void ends_are_ipv4_or_mapped(void)
{
	struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(80), .sin_addr = {htonl(0x0a53000b)}};
	struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(81)};
	struct endpoint end;

	CHECK(endpoint_of((struct sockaddr *)&four, sizeof(four), false, &end));
	CHECK(end.address == 0x0a53000b && end.port == 80);
	CHECK(!endpoint_of((struct sockaddr *)&four, sizeof(four) - 1, false, &end));
	CHECK(!endpoint_of((struct sockaddr *)&four, 1, false, &end));
	CHECK(!endpoint_of(NULL, sizeof(four), false, &end));
	CHECK(!endpoint_of((struct sockaddr *)&six, sizeof(six), false, &end));
	CHECK(endpoint_of((struct sockaddr *)&six, sizeof(six), true, &end));
	CHECK(end.address == 0 && end.port == 81);
	inet_pton(AF_INET6, "::ffff:10.83.0.12", &six.sin6_addr);
	CHECK(endpoint_of((struct sockaddr *)&six, sizeof(six), false, &end));
	CHECK(end.address == 0x0a53000c && end.port == 81);
	inet_pton(AF_INET6, "fe80::1", &six.sin6_addr);
	CHECK(!endpoint_of((struct sockaddr *)&six, sizeof(six), true, &end));
	six.sin6_family = AF_UNIX;
	CHECK(!endpoint_of((struct sockaddr *)&six, sizeof(six), true, &end));
}

int main(void)
{
	int failed = 0;

	TESTS_BEGIN;
	failed += RUN(rules_are_addresses_and_ports);
	failed += RUN(what_is_no_rule_is_refused);
	failed += RUN(a_file_says_mode_and_lists);
	failed += RUN(lists_are_bounded);
	failed += RUN(lists_choose);
	failed += RUN(the_environment_adds_to_the_file);
	failed += RUN(ends_are_ipv4_or_mapped);
	return failed > 0;
}
