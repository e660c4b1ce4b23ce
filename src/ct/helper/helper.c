/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The only program that knows liblxc: started to list, to tell liblxc's version or its configured
 * path, and to talk to a monitor that att_monitor_ask() does not understand. The library carries it
 * as bytes. It is a program of its own because liblxc takes a dynamic linker, which the library's
 * programs then need not have (it is a tenth of the time of an exec), and because liblxc waits
 * without a bound, which ends here with the process.
 *
 * argv: a verb and its words, see helper.h. Descriptor 1 is a socket.
 */
#include "ct/helper/helper.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <lxc/lxccontainer.h>

#define LIBLXC "liblxc.so.1"

/* What is used of liblxc; prototypes are those of its header. */
struct liblxc {
	__typeof__(&lxc_get_version) get_version;
	__typeof__(&lxc_get_global_config_item) get_global_config_item;
	__typeof__(&lxc_container_new) container_new;
	__typeof__(&list_active_containers) list_active;
	__typeof__(&list_all_containers) list_all;
};

/* POSIX has dlsym() give functions as data pointers. */
static bool find_symbol(void *handle, const char *name, void *ret)
{
	void *symbol = dlsym(handle, name);

	memcpy(ret, &symbol, sizeof(symbol));
	return symbol != NULL;
}

static int load_liblxc(struct liblxc *ret)
{
	void *handle = dlopen(LIBLXC, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return ATT_HELPER_NO_LIBLXC;
	if (find_symbol(handle, "lxc_get_version", &ret->get_version) &&
	    find_symbol(handle, "lxc_get_global_config_item", &ret->get_global_config_item) &&
	    find_symbol(handle, "lxc_container_new", &ret->container_new) &&
	    find_symbol(handle, "list_active_containers", &ret->list_active) &&
	    find_symbol(handle, "list_all_containers", &ret->list_all))
		return 0;
	return ATT_HELPER_TOO_OLD;
}

/* Whole words; nobody who reads them is an error that nobody reads either. */
static void put(const char *word)
{
	size_t left = strlen(word) + 1;

	while (left > 0) {
		ssize_t n = write(STDOUT_FILENO, word, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(ATT_HELPER_FAILED);
		word += n;
		left -= (size_t)n;
	}
}

static int put_or_fail(const char *word)
{
	if (!word)
		return ATT_HELPER_FAILED;
	put(word);
	return 0;
}

static int list(int (*list_containers)(const char *, char ***, struct lxc_container ***),
                const char *lxcpath)
{
	char **names = NULL;
	int n = list_containers(lxcpath, &names, NULL);

	for (int i = 0; i < n; i++)
		put(names[i]);
	return n < 0 ? ATT_HELPER_FAILED : 0;
}

/* ---- a monitor that only liblxc understands ---- */

static void put_item(struct lxc_container *c, const char *key)
{
	const char *value = c->get_running_config_item(c, key);

	/* liblxc prints unset paths through "%s". */
	put(value && strcmp(value, "(null)") != 0 ? value : "");
}

/* Beside an empty word, since a descriptor cannot go alone. */
static bool put_fd(int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .room = "" };
	struct iovec iov = { (char[]){ "" }, 1 };
	struct msghdr msg = { .msg_iov = &iov,
		              .msg_iovlen = 1,
		              .msg_control = &control,
		              .msg_controllen = sizeof(control) };

	control.header.cmsg_len = CMSG_LEN(sizeof(fd));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(STDOUT_FILENO, &msg, MSG_NOSIGNAL) == 1;
}

static int ask(const struct liblxc *lxc, const char *lxcpath, const char *name)
{
	struct lxc_container *c = lxc->container_new(name, lxcpath);
	char number[16];
	int fd = -1;

	if (!c)
		return ATT_HELPER_FAILED;
	/* Without a configuration on disk it has no place for an answer, until something is set. */
	if (!c->is_defined(c) && !c->set_config_item(c, "lxc.uts.name", name))
		return ATT_HELPER_FAILED;
	fd = c->init_pidfd(c);
	if (fd < 0) {
		snprintf(number, sizeof(number), "%d", -fd);
		put(number);
		return ATT_HELPER_NO_INIT;
	}
	if (!put_fd(fd))
		return ATT_HELPER_FAILED;
	put_item(c, "lxc.seccomp.profile");
	put_item(c, "lxc.environment");
	return 0;
}

static bool is(int argc, char **argv, const char *verb, int n_words)
{
	return argc == n_words + 2 && strcmp(argv[1], verb) == 0;
}

int main(int argc, char **argv)
{
	struct liblxc lxc;
	int r = load_liblxc(&lxc);

	if (r != 0)
		return r;
	if (is(argc, argv, ATT_HELPER_VERSION, 0))
		return put_or_fail(lxc.get_version());
	if (is(argc, argv, ATT_HELPER_LXCPATH, 0))
		return put_or_fail(lxc.get_global_config_item("lxc.lxcpath"));
	if (is(argc, argv, ATT_HELPER_ACTIVE, 1))
		return list(lxc.list_active, argv[2]);
	if (is(argc, argv, ATT_HELPER_ALL, 1))
		return list(lxc.list_all, argv[2]);
	if (is(argc, argv, ATT_HELPER_ASK, 2))
		return ask(&lxc, argv[2], argv[3]);
	return ATT_HELPER_USAGE;
}
