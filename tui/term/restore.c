#include "tui/term/restore.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* A signal handler is given nothing but a number. */
static struct termios saved;        /* style: global, because a signal handler has no other way to it */
static char leave[128];             /* style: global, the same */
static volatile sig_atomic_t armed; /* style: global, the same */

#ifdef PARLEY_SANITIZED /* the sanitisers' own reports are worth more there */
static const int deadly[] = { SIGABRT };
#else
static const int deadly[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
#endif

/* Only what signal-safety(7) allows; SA_RESETHAND makes the second raise the real death. */
static void put_back(int number)
{
	if (armed) {
		ssize_t ignored = write(STDOUT_FILENO, leave, strlen(leave));

		(void)ignored;
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	}
	raise(number);
}

void restore_arm(void)
{
	leave[0] = '\0';
	armed = tcgetattr(STDIN_FILENO, &saved) == 0;
	for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++) {
		struct sigaction action = { .sa_handler = put_back, .sa_flags = (int)SA_RESETHAND };

		sigaction(deadly[i], &action, NULL);
	}
}

void restore_leave_with(const char *bytes) { snprintf(leave, sizeof leave, "%s", bytes); }

void restore_disarm(void)
{
	armed = 0;
	for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
		signal(deadly[i], SIG_DFL);
}
