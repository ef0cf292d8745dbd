/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The terminal: taken, given back for a while, given back for good, whatever happens. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "ui/screen/draw.h"
#include "ui/screen/screen.h"

#define PASTE_ON  "\033[?2004h"
#define PASTE_OFF "\033[?2004l"
#define MOUSE_OFF "\033[?1006l\033[?1000l"

enum { ESCAPE_MS = 25 };

/* For the handler of fatal signals, which has nothing else to go by. */
static struct {
	bool taken;
	bool mouse; /* reported; ncurses sees to that but for fatal signals */
	int fd;
	struct termios modes;
	char leave[256];
	size_t leave_len;
} saved;

static const int fatal[] = { SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL };

/* Only what is safe in a handler: write(2), tcsetattr(3), and the signal again. */
static void on_fatal(int signo)
{
	if (saved.taken) {
		if ((saved.mouse && write(saved.fd, MOUSE_OFF, strlen(MOUSE_OFF)) < 0) ||
		    write(saved.fd, saved.leave, saved.leave_len) < 0) {
			/* Nothing is left to be done about it. */
		}
		tcsetattr(saved.fd, TCSANOW, &saved.modes);
	}
	signal(signo, SIG_DFL);
	raise(signo);
}

static void catch_fatal(bool on)
{
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++) {
		struct sigaction old, action = { .sa_handler = on ? on_fatal : SIG_DFL };

		/* Somebody else's (a sanitizer's) stays. */
		if (!sigaction(fatal[i], NULL, &old) && old.sa_handler == (on ? SIG_DFL : on_fatal))
			sigaction(fatal[i], &action, NULL);
	}
}

/* A capability's text without its padding, which no terminal of today needs. */
static void add_capability(const char *capability)
{
	const char *s = tigetstr(capability);

	if (!s || s == (const char *)-1)
		return;
	while (*s && saved.leave_len + 1 < sizeof(saved.leave)) {
		if (s[0] == '$' && s[1] == '<') {
			s += strcspn(s, ">");
			s += *s == '>';
			continue;
		}
		saved.leave[saved.leave_len++] = *s++;
	}
}

/* After newterm(), which knows the capabilities; with the modes of before. */
static void note_leaving(void)
{
	memcpy(saved.leave, PASTE_OFF, strlen(PASTE_OFF));
	saved.leave_len = strlen(PASTE_OFF);
	add_capability("rmkx");
	add_capability("cnorm");
	add_capability("sgr0");
	add_capability("op");
	add_capability("rmcup");
}

static void paste(struct screen *s, bool on)
{
	fputs(on ? PASTE_ON : PASTE_OFF, s->host.out);
	fflush(s->host.out);
}

static void set_modes(struct screen *s)
{
	raw();
	noecho();
	nonl();
	curs_set(s->focus == PANE_NONE);
	paste(s, true);
}

int terminal_open(struct screen *s, struct error *e)
{
	bool modes;

	saved.fd = fileno(s->host.out);
	modes = !tcgetattr(saved.fd, &saved.modes);
	/* Exported LINES and COLUMNS would pin the first size. */
	use_tioctl(TRUE);
	s->terminal = newterm(s->host.term, s->host.out, s->host.in);
	if (!s->terminal)
		return error_set_class(e, ERROR_ENVIRONMENT, ENOTTY,
				       "the terminal cannot hold a screen");
	set_term(s->terminal);
	note_leaving();
	saved.taken = modes;
	if (!getenv("ESCDELAY"))
		set_escdelay(ESCAPE_MS);
	theme_start(s->host.colour);
	s->keys = newpad(1, 1);
	if (!s->keys)
		return error_nomem(e);
	keypad(s->keys, TRUE);
	nodelay(s->keys, TRUE);
	meta(s->keys, TRUE);
	define_key("\033[200~", KEY_PASTE_BEGIN);
	define_key("\033[201~", KEY_PASTE_END);
	set_modes(s);
	catch_fatal(true);
	getmaxyx(stdscr, s->rows, s->columns);
	return 0;
}

void terminal_close(struct screen *s)
{
	if (!s->terminal)
		return;
	terminal_mouse(false);
	paste(s, false);
	endwin();
	catch_fatal(false);
	saved.taken = false;
	if (s->keys)
		delwin(s->keys);
	delscreen(s->terminal);
	s->terminal = NULL;
	s->keys = NULL;
}

void terminal_mouse(bool on)
{
	if (on == saved.mouse)
		return;
	saved.mouse = on;
	/* Presses alone, at once: a click that ncurses waits for would hold up keys. */
	mouseinterval(0);
	mousemask(on ? BUTTON1_PRESSED | BUTTON4_PRESSED | BUTTON5_PRESSED : 0, NULL);
}

void terminal_suspend(struct screen *s)
{
	paste(s, false);
	curs_set(1);
	endwin();
	saved.taken = false;
	s->host.stop();
	/* Here again, perhaps in a window of another size. */
	saved.taken = true;
	set_modes(s);
	clearok(curscr, TRUE);
}
