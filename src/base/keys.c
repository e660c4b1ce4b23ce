/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/keys.h"

#include <string.h>

static bool parse_control(char c, unsigned char *ret)
{
	if (c >= 'a' && c <= 'z')
		c = (char)(c - 'a' + 'A');
	if (c < '@' || c > '_')
		return false;
	*ret = (unsigned char)(c & 0x1f);
	return true;
}

bool att_keys_parse_escape(const char *text, int *ret)
{
	unsigned char byte = 0;

	if (strcmp(text, "none") == 0) {
		*ret = -1;
		return true;
	}
	if (text[0] == '^' && text[1] != '\0' && text[2] == '\0' && parse_control(text[1], &byte)) {
		*ret = byte;
		return true;
	}
	if (text[0] <= ' ' || text[0] > '~' || text[1] != '\0')
		return false;
	*ret = (unsigned char)text[0];
	return true;
}

static bool parse_key(const char *text, size_t len, unsigned char *ret)
{
	if (len == 6 && strncmp(text, "ctrl-", 5) == 0)
		return parse_control(text[5], ret);
	if (len != 1 || text[0] < ' ' || text[0] > '~')
		return false;
	*ret = (unsigned char)text[0];
	return true;
}

bool att_keys_parse_sequence(const char *text, unsigned char ret[ATT_KEYS_MAX], size_t *ret_n)
{
	size_t n = 0;

	if (text[0] == '\0') {
		*ret_n = 0;
		return true;
	}
	for (;;) {
		size_t len = strcspn(text, ",");

		if (n == ATT_KEYS_MAX || !parse_key(text, len, &ret[n]))
			return false;
		n++;
		if (text[len] == '\0')
			break;
		text += len + 1;
	}
	*ret_n = n;
	return true;
}
