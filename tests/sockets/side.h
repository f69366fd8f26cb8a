/*
 * Behaviours of TCP sockets, each played by two ends in two domains. What an end sees goes into a transcript; the same
 * program over TCP and over V4V must write the same one.
 */
#ifndef SIDE_H
#define SIDE_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct side {
	bool server;
	/* Between the two ends, for their own use. */
	int control;
	/* The server's listener for connections under test. */
	int listener;
	/* The connection under test. */
	int fd;
	/* Where the server is, host order. */
	uint32_t address;
	/* Its CID, when the connections under test are AF_VSOCK's; else 0. */
	uint32_t cid;
	uint16_t port;
	char *transcript;
	size_t length;
};

struct behaviour {
	const char *name;
	void (*play)(struct side *side);
	/* The play makes its own connections. */
	bool alone;
};

/* Each file of behaviours ends its table with an empty entry. */
extern const struct behaviour bytes_behaviours[], wait_behaviours[], end_behaviours[], connect_behaviours[],
	option_behaviours[], process_behaviours[], listen_behaviours[], begin_behaviours[], message_behaviours[];

/* Whether AF_VSOCK shows the same. */
bool goes_over_vsock(const struct behaviour *behaviour);

/* Adds a line to the transcript. */
void say(struct side *side, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Neither end goes on before both are here. */
void meet(struct side *side);

/* A call's result as a word: the number, or the error's name. */
const char *result(long value);
/* The same without the number: "ok", or the error's name. */
const char *outcome(long value);

/* Events of poll() and epoll as words. */
const char *events_of(unsigned int events);
/* An epoll descriptor that watches one other; what it says now, or at last ("nothing"). */
int epoll_of(int fd, unsigned int events);
const char *epoll_now(int epoll);
const char *epoll_next(int epoll);

/* The server's address, with a port that is this far from the control connection's. */
struct sockaddr_in place(const struct side *side, int port_offset);
/* SO_ERROR, which takes it away. */
int error_of(int fd);

/* A socket of the family under test; and connect() to the server's port that is this far from the control connection's. */
int new_socket(const struct side *side, int flags);
int connect_to(const struct side *side, int fd, int port_offset);
/* A new connection to the server's listener; and the server's end of it. */
int dial(const struct side *side);
int answer(const struct side *side);

/* Waits until so many bytes can be read (FIONREAD), or the end has come; how many there are. */
int wait_unread(int fd, int count);
/* Waits until poll() says one of these. */
int wait_poll(int fd, short events);
/* All of it, or the program ends with a sentence. */
void send_all(int fd, const void *bytes, size_t length);
void receive_all(int fd, void *bytes, size_t length);

/* A stream that can be told from any other and from itself elsewhere. */
void pattern(unsigned char *bytes, size_t from, size_t length);
bool is_pattern(const unsigned char *bytes, size_t from, size_t length);

/* The behaviour that is played, for what is said of failures; NULL before the first. */
extern const char *playing;

/* Ends the program with a sentence: something that is not under test has failed. */
_Noreturn void give_up(const char *what);

#endif
