/* The small parts: JSON writer, words and numbers, payload, lines, control lines. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "cpu.h"
#include "json.h"
#include "lines.h"
#include "payload.h"
#include "protocol.h"
#include "words.h"

bool check_failed;

static void writes(const char *string, const char *expected)
{
	struct json json = {.length = 0};

	json_string(&json, string);
	if (strcmp(json.text, expected) != 0) {
		printf("# %s instead of %s\n", json.text, expected);
		check_failed = true;
	}
	json_free(&json);
}

static void json_escapes(void)
{
	writes("", "\"\"");
	writes("plain /", "\"plain /\"");
	writes("a\"b\\c", "\"a\\\"b\\\\c\"");
	writes("\n\t\r\x01\x1f", "\"\\u000a\\u0009\\u000d\\u0001\\u001f\"");
	writes("\x7f", "\"\x7f\"");
	writes("\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x8c", "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\x8c\"");
	writes("a\xff" "b", "\"a\\ufffdb\"");
	writes("\xc3", "\"\\ufffd\"");
	writes("\xc0\xaf", "\"\\ufffd\\ufffd\"");
	writes("\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"");
	writes("\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"");
}

static void json_structure(void)
{
	struct json json = {.length = 0};

	json_open(&json, '{');
	json_key(&json, "a");
	json_open(&json, '[');
	json_u64(&json, 0);
	json_u64(&json, UINT64_MAX);
	json_open(&json, '{');
	json_close(&json, '}');
	json_close(&json, ']');
	json_key(&json, "b\"");
	json_bool(&json, true);
	json_key(&json, "c");
	json_bool(&json, false);
	json_key(&json, "d");
	json_null(&json);
	json_close(&json, '}');
	json_newline(&json);
	CHECK(strcmp(json.text, "{\"a\":[0,18446744073709551615,{}],\"b\\\"\":true,\"c\":false,\"d\":null}\n") == 0);
	json_reset(&json);
	json_open(&json, '[');
	for (unsigned i = 0; i < 200000; i++)
		json_u64(&json, 123456789);
	json_close(&json, ']');
	CHECK(json.length == 200000u * 10 + 1 && strlen(json.text) == json.length);
	json_free(&json);
}

static void numbers(void)
{
	uint64_t number = 7;

	CHECK(number_parse("18446744073709551615", 0, UINT64_MAX, &number) && number == UINT64_MAX);
	CHECK(!number_parse("18446744073709551616", 0, UINT64_MAX, &number));
	CHECK(!number_parse("184467440737095516150", 0, UINT64_MAX, &number));
	CHECK(number_parse("0", 0, 0, &number) && number == 0);
	CHECK(!number_parse("", 0, 9, &number) && !number_parse(" 1", 0, 9, &number) && !number_parse("1 ", 0, 9, &number));
	CHECK(!number_parse("5", 6, 9, &number) && !number_parse("10", 6, 9, &number));
	CHECK(number == 0); /* a refusal leaves it alone */
}

static void hex(void)
{
	uint8_t bytes[3] = {0x00, 0xaf, 0xff};
	uint8_t back[3];
	char text[7];

	hex_format(text, bytes, 3);
	CHECK(strcmp(text, "00afff") == 0);
	CHECK(hex_parse(text, back, 3) && memcmp(bytes, back, 3) == 0);
	CHECK(!hex_parse("00aff", back, 3) && !hex_parse("00afff0", back, 3) && !hex_parse("00AFFF", back, 3));
	CHECK(!hex_parse("00afg0", back, 3));
}

static void checksum_known_values(void)
{
	/* From the FNV authors' test vectors. */
	CHECK(fnv1a64(FNV1A64_START, "", 0) == 0xcbf29ce484222325ull);
	CHECK(fnv1a64(FNV1A64_START, "a", 1) == 0xaf63dc4c8601ec8cull);
	CHECK(fnv1a64(FNV1A64_START, "foobar", 6) == 0x85944171f73967e8ull);
	CHECK(fnv1a64(fnv1a64(FNV1A64_START, "foo", 3), "bar", 3) == 0x85944171f73967e8ull);
}

static void payload_depends_on_position_and_seed(void)
{
	uint8_t whole[1000], part[1000];

	payload_fill(whole, sizeof(whole), 42, 0);
	for (size_t offset = 0; offset < 40; offset++) {
		for (size_t length = 1; length < 40; length++) {
			payload_fill(part, length, 42, offset);
			CHECK(memcmp(part, whole + offset, length) == 0);
			CHECK(payload_compare(whole + offset, length, 42, offset) == length);
		}
	}
	CHECK(payload_compare(whole, sizeof(whole), 43, 0) < 8);
	CHECK(payload_compare(whole, sizeof(whole), 42, 1) < 8);
	CHECK(payload_compare(whole, sizeof(whole), 42, 1000) < 8);
	for (size_t i = 0; i < sizeof(whole); i++) {
		whole[i] ^= 0x10;
		CHECK(payload_compare(whole, sizeof(whole), 42, 0) == i);
		whole[i] ^= 0x10;
	}
}

static void lines_are_bounded(void)
{
	struct lines lines = {.start = 0};
	char long_line[LINES_CAPACITY];
	int ends[2];
	char *line;

	CHECK(pipe(ends) == 0);
	CHECK(write(ends[1], "one\ntw", 6) == 6);
	CHECK(lines_fill(&lines, ends[0]) == 6);
	line = lines_next(&lines);
	CHECK(line && strcmp(line, "one") == 0);
	CHECK(!lines_next(&lines));
	CHECK(write(ends[1], "o\n\n", 3) == 3);
	CHECK(lines_fill(&lines, ends[0]) == 3);
	line = lines_next(&lines);
	CHECK(line && strcmp(line, "two") == 0);
	line = lines_next(&lines);
	CHECK(line && strcmp(line, "") == 0);
	CHECK(!lines_next(&lines));

	/* The longest line fits, one byte more does not. */
	memset(long_line, 'x', sizeof(long_line));
	long_line[LINES_CAPACITY - 1] = '\n';
	CHECK(write(ends[1], long_line, sizeof(long_line)) == (ssize_t)sizeof(long_line));
	CHECK(lines_fill(&lines, ends[0]) == (ssize_t)sizeof(long_line));
	line = lines_next(&lines);
	CHECK(line && strlen(line) == LINES_CAPACITY - 1);
	long_line[LINES_CAPACITY - 1] = 'x';
	CHECK(write(ends[1], long_line, sizeof(long_line)) == (ssize_t)sizeof(long_line));
	CHECK(lines_fill(&lines, ends[0]) == (ssize_t)sizeof(long_line));
	CHECK(!lines_next(&lines));
	CHECK(lines_fill(&lines, ends[0]) == -1 && errno == ENOBUFS);
	close(ends[0]);
	close(ends[1]);
}

static struct role_spec example_spec(void)
{
	struct role_spec spec = {
		.role = 255,
		.is_client = true,
		.kind = KIND_STREAM,
		.size = BENCH_MAX_SIZE,
		.warmup = BENCH_MAX_COUNT,
		.count = BENCH_MAX_COUNT,
		.budget_ms = BENCH_MAX_BUDGET_MS,
		.pairs = BENCH_MAX_PAIRS,
		.deadline_ms = 2 * BENCH_MAX_BUDGET_MS,
		.seed = UINT64_MAX,
		.server = {.transport = TRANSPORT_TCP_STOCK, .addr = "255.255.255.255", .cid = UINT32_MAX, .port = UINT32_MAX,
			   .domid = UINT16_MAX, .client_domid = UINT16_MAX - 1},
	};

	memset(spec.token, 0xab, sizeof(spec.token));
	return spec;
}

static void role_lines_round_trip(void)
{
	struct role_spec spec = example_spec();
	struct role_spec back;
	struct error error;
	char line[512], again[512];

	role_spec_format(line, sizeof(line), &spec);
	CHECK(strlen(line) < sizeof(line) - 1 && strncmp(line, "role ", 5) == 0);
	memcpy(again, line, sizeof(again));
	CHECK(role_spec_parse(again + 5, &back, &error));
	CHECK(back.role == 255 && back.is_client && back.kind == KIND_STREAM && back.size == spec.size);
	CHECK(back.server.domid == UINT16_MAX && back.server.client_domid == UINT16_MAX - 1);
	CHECK(back.seed == spec.seed && memcmp(back.token, spec.token, sizeof(back.token)) == 0);
	role_spec_format(again, sizeof(again), &back);
	CHECK(strcmp(line, again) == 0);
}

static void role_lines_refused(void)
{
	struct role_spec spec = example_spec();
	struct role_spec back;
	struct error error;
	char line[512], copy[512];
	size_t words = 0;

	role_spec_format(line, sizeof(line), &spec);
	/* Without any one of its words the line is refused. */
	for (char *space = line; (space = strchr(space, ' ')); space++, words++) {
		char *next = strchr(space + 1, ' ');

		snprintf(copy, sizeof(copy), "%.*s%s", (int)(space - line), line, next ? next : "");
		CHECK(!role_spec_parse(copy + 5, &back, &error));
	}
	CHECK(words == 17);
	spec.role = 256;
	role_spec_format(line, sizeof(line), &spec);
	CHECK(!role_spec_parse(line + 5, &back, &error));
	spec = example_spec();
	spec.size = 0;
	role_spec_format(line, sizeof(line), &spec);
	CHECK(!role_spec_parse(line + 5, &back, &error));
	spec = example_spec();
	spec.server.transport = TRANSPORT_VCHAN;
	role_spec_format(line, sizeof(line), &spec);
	CHECK(role_spec_parse(line + 5, &back, &error) && back.server.transport == TRANSPORT_VCHAN);
	spec.kind = KIND_CONNECT;
	role_spec_format(line, sizeof(line), &spec);
	CHECK(!role_spec_parse(line + 5, &back, &error));
}

static void hello_lines(void)
{
	struct hello hello = {.version = "1.2.3", .kernel = "6.12.107-amd64", .cpus = 4,
			      .tcp = "cubic,rmem=1:2:3,wmem=?"};
	struct hello back;
	struct error error;
	char line[256];

	hello_format(line, sizeof(line), &hello);
	CHECK(hello_parse(line, &back, &error));
	CHECK(strcmp(back.version, "1.2.3") == 0 && strcmp(back.kernel, "6.12.107-amd64") == 0 && back.cpus == 4);
	CHECK(strcmp(back.tcp, hello.tcp) == 0);
	strcpy(line, "agent 2 version=1 cpus=1 kernel=x tcp=t");
	CHECK(!hello_parse(line, &back, &error));
	strcpy(line, "agent 1 version=1 cpus=0 kernel=x tcp=t");
	CHECK(!hello_parse(line, &back, &error));
	strcpy(line, "agent");
	CHECK(!hello_parse(line, &back, &error));
	strcpy(line, "");
	CHECK(!hello_parse(line, &back, &error));
}

static void cpu_differences(void)
{
	struct cpu_times before = {.at_ns = 10, .count = 3, .domains = {{0, 100}, {1, 50}, {2, 7}}};
	struct cpu_times after = {.at_ns = 15, .count = 4, .domains = {{1, 80}, {0, 100}, {2, 6}, {3, 9}}};
	struct cpu_times used;

	cpu_difference(&before, &after, &used);
	/* Domain 2 went backwards (it is a new one of that number), domain 3 was not there before. */
	CHECK(used.at_ns == 5 && used.count == 2);
	CHECK(used.domains[0].domid == 1 && used.domains[0].ns == 30);
	CHECK(used.domains[1].domid == 0 && used.domains[1].ns == 0);
}

int main(void)
{
	return RUN(json_escapes) + RUN(json_structure) + RUN(numbers) + RUN(hex) + RUN(checksum_known_values) +
	       RUN(payload_depends_on_position_and_seed) + RUN(lines_are_bounded) + RUN(role_lines_round_trip) +
	       RUN(role_lines_refused) + RUN(hello_lines) + RUN(cpu_differences) > 0;
}
