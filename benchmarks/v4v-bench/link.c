#include "link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "stop.h"

#define MAX_NOISE 100u     /* lines */
#define MAX_COMPLAINTS 200u /* lines of stderr passed on from one agent: another domain fills no log */
#define EXIT_GRACE_MS 1000u
#define START_AT_ONCE 3 /* side by side, sixteen logins on one virtual CPU all take longer than a step may */
#define SEND_LIMIT_MS 5000u
#define LAST_WORDS_MS 100u /* for stderr when stdout has ended */

static void hear_complaint(struct link *link)
{
	char *line;

	while ((line = lines_next(&link->complaints))) {
		if (!*line)
			continue;
		/* It goes to a terminal or a log: nothing from another domain steers those. */
		for (char *c = line; *c; c++) {
			if ((unsigned char)*c < ' ' || *c == 0x7f)
				*c = '?';
		}
		snprintf(link->last_complaint, sizeof(link->last_complaint), "%.159s", line);
		if (link->complaint_count++ < MAX_COMPLAINTS)
			fprintf(stderr, "v4v-bench: %s: %s\n", link->domain->name, line);
	}
}

/* False at the end of stderr. A line that is too long is dropped. */
static bool read_complaints(struct link *link)
{
	ssize_t bytes = lines_fill(&link->complaints, link->process.err);

	if (bytes < 0 && errno == ENOBUFS) {
		link->complaints.start = link->complaints.end = 0;
		return true;
	}
	if (bytes > 0)
		hear_complaint(link);
	return bytes > 0 || (bytes < 0 && errno == EAGAIN);
}

/* What the agent wrote to stderr before it ended often says more than its exit status. */
static void hear_last_words(struct link *link)
{
	uint64_t deadline_ns = deadline_in_ms(LAST_WORDS_MS);
	struct pollfd polled = {.fd = link->process.err, .events = POLLIN};

	while (!link->mute && now_ns() < deadline_ns && poll(&polled, 1, ms_until(deadline_ns)) == 1)
		link->mute = !read_complaints(link);
}

void link_down(struct link *link, uint32_t grace_ms, const char *reason)
{
	char how[80];

	if (link->state == LINK_DOWN)
		return;
	if (link->state == LINK_STARTING)
		link->failed_starts++;
	hear_last_words(link);
	process_end(&link->process, grace_ms, how, sizeof(how));
	link->state = LINK_DOWN;
	error_set(&link->reason, "agent of %s: %.120s%s%s%s%.160s", link->domain->name, reason ? reason : "it ",
		  reason ? "" : how, link->last_complaint[0] ? " (" : "", link->last_complaint,
		  link->last_complaint[0] ? ")" : "");
}

static void link_start(struct link *link)
{
	struct error error;

	if (link->failed_starts >= LINK_MAX_FAILED_STARTS) {
		error_set(&link->reason, "agent of %s: not tried again after %u failed starts in a row",
			  link->domain->name, LINK_MAX_FAILED_STARTS);
		return;
	}
	memset(&link->lines, 0, sizeof(link->lines));
	memset(&link->complaints, 0, sizeof(link->complaints));
	link->last_complaint[0] = '\0';
	link->noise = 0;
	link->mute = false;
	if (process_start(&link->process, link->domain->agent, &error)) {
		link->state = LINK_STARTING;
		return;
	}
	link->failed_starts++;
	error_set(&link->reason, "agent of %s: %s", link->domain->name, error.text);
}

static void greet(struct link *link, char *line)
{
	struct hello hello;
	struct error error;
	char reason[120];

	if (strncmp(line, "agent ", 6) != 0 && ++link->noise <= MAX_NOISE)
		return;
	if (!hello_parse(line, &hello, &error)) {
		link_down(link, 0, error.text);
	} else if (strcmp(hello.version, V4V_BENCH_VERSION) != 0) {
		snprintf(reason, sizeof(reason), "it is v4v-bench %s, this is %s: install the same version",
			 hello.version, V4V_BENCH_VERSION);
		link_down(link, 0, reason);
	} else {
		link->hello = hello;
		link->state = LINK_UP;
		link->failed_starts = 0;
	}
}

static void read_lines(struct link *link, link_handler *handler, void *context)
{
	ssize_t bytes = lines_fill(&link->lines, link->process.out);
	struct error error;
	char *line;

	if (bytes < 0 && errno == EAGAIN)
		return;
	if (bytes <= 0) {
		link_down(link, EXIT_GRACE_MS, bytes < 0 ? "it sent a line that is too long" : NULL);
		return;
	}
	while (link->state != LINK_DOWN && (line = lines_next(&link->lines))) {
		if (link->state == LINK_STARTING)
			greet(link, line);
		else if (handler && !handler(context, link, line, &error))
			link_down(link, 0, error.text);
	}
}

void links_poll(struct link *links[], size_t count, uint64_t deadline_ns, link_handler *handler, void *context)
{
	struct pollfd polled[2 * BENCH_MAX_DOMAINS];

	for (size_t i = 0; i < count; i++) {
		bool down = links[i]->state == LINK_DOWN;

		polled[2 * i] = (struct pollfd){.fd = down ? -1 : links[i]->process.out, .events = POLLIN};
		polled[2 * i + 1].fd = down || links[i]->mute ? -1 : links[i]->process.err;
		polled[2 * i + 1].events = POLLIN;
		polled[2 * i + 1].revents = 0;
	}
	if (poll(polled, 2 * count, ms_until(deadline_ns)) <= 0)
		return;
	for (size_t i = 0; i < count; i++) {
		/* An agent that closes stderr goes on: its stdout tells when it has ended. */
		if (polled[2 * i + 1].revents && !read_complaints(links[i]))
			links[i]->mute = true;
		if (polled[2 * i].revents)
			read_lines(links[i], handler, context);
	}
}

static size_t starting(struct link *links[], size_t count)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++)
		found += links[i]->state == LINK_STARTING;
	return found;
}

/* From `next` on, as many as may start at once. Returns the first that has to wait. */
static size_t start_some(struct link *links[], size_t count, size_t next)
{
	for (; next < count && starting(links, count) < START_AT_ONCE; next++) {
		if (links[next]->state == LINK_DOWN)
			link_start(links[next]);
	}
	return next;
}

void links_start(struct link *links[], size_t count, uint64_t deadline_ns)
{
	size_t next = start_some(links, count, 0);

	while (!stop_requested() && starting(links, count) && now_ns() < deadline_ns) {
		links_poll(links, count, deadline_ns, NULL, NULL);
		next = start_some(links, count, next);
	}
	for (size_t i = 0; i < count; i++) {
		if (links[i]->state == LINK_STARTING)
			link_down(links[i], 0, "it did not answer in time");
		else if (i >= next && links[i]->state == LINK_DOWN)
			error_set(&links[i]->reason, "agent of %s: those before it left no time to start it",
				  links[i]->domain->name);
	}
}

bool link_send(struct link *link, const char *line)
{
	char buffer[LINES_CAPACITY];
	size_t length = (size_t)snprintf(buffer, sizeof(buffer), "%s\n", line);
	uint64_t deadline_ns = deadline_in_ms(SEND_LIMIT_MS);
	size_t sent = 0;

	if (link->state != LINK_UP)
		return false;
	while (sent < length) {
		struct pollfd polled = {.fd = link->process.in, .events = POLLOUT};
		ssize_t bytes = write(link->process.in, buffer + sent, length - sent);

		if (bytes > 0) {
			sent += (size_t)bytes;
		} else if (bytes < 0 && errno == EAGAIN && now_ns() < deadline_ns) {
			poll(&polled, 1, ms_until(deadline_ns));
		} else if (bytes < 0 && errno == EINTR) {
			continue;
		} else {
			/* A closed pipe: the agent has ended, its status and last words say why. */
			link_down(link, EXIT_GRACE_MS, errno == EPIPE ? NULL : "it does not read its stdin");
			return false;
		}
	}
	return true;
}

void links_stop(struct link links[], size_t count)
{
	uint64_t deadline_ns = deadline_in_ms(EXIT_GRACE_MS);
	char how[80];

	/* Each end of stdin is seen at once, so the agents exit side by side. */
	for (size_t i = 0; i < count; i++) {
		if (links[i].state != LINK_DOWN) {
			close(links[i].process.in);
			links[i].process.in = -1;
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (links[i].state == LINK_DOWN)
			continue;
		process_end(&links[i].process, (uint32_t)ms_until(deadline_ns), how, sizeof(how));
		links[i].state = LINK_DOWN;
	}
}
