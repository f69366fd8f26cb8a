/* What systemd is told (sd_notify(3)), without its library. */
#ifndef NOTIFY_H
#define NOTIFY_H

/* Nothing happens when nobody asked (no NOTIFY_SOCKET). */
void notify(const char *state);
/* Milliseconds between two signs of life, half of what is allowed; -1 if none are asked for. */
int notify_period(void);

#endif
