/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Feeds a corpus to a fuzz target that was compiled without libFuzzer, so that `make check` runs
 * every input that was ever interesting with any compiler.
 *
 *   replay FILE|DIRECTORY…
 *
 * A directory without a file in it is a failure: it says that the corpus was lost.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INPUT_MAX_BYTES ((size_t)16 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int complain(const char *path, const char *why)
{
	fprintf(stderr, "replay: %s: %s\n", path, why);
	return -1;
}

/* The copy has exactly the input's size, so that a sanitizer sees a read beyond its end. */
static int run_bytes(const char *bytes, size_t len)
{
	uint8_t *exact = malloc(len == 0 ? 1 : len);

	if (exact == NULL)
		return -1;
	memcpy(exact, bytes, len);
	(void)LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 0;
}

static int run_stream(const char *path, FILE *f)
{
	char *bytes = malloc(INPUT_MAX_BYTES);
	int r = -1;

	if (bytes == NULL)
		return complain(path, "out of memory");

	size_t len = fread(bytes, 1, INPUT_MAX_BYTES, f);

	if (ferror(f) != 0)
		r = complain(path, "cannot be read");
	else if (len == INPUT_MAX_BYTES)
		r = complain(path, "is too large");
	else
		r = run_bytes(bytes, len);
	free(bytes);
	return r;
}

static int run_file(const char *path)
{
	FILE *f = fopen(path, "re");

	if (f == NULL)
		return complain(path, strerror(errno));

	int r = run_stream(path, f);

	fclose(f);
	return r;
}

/* Return: number of inputs run, or -1. */
static int run_directory(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *e = NULL;
	int n = 0;

	if (dir == NULL)
		return complain(path, strerror(errno));
	while (n >= 0 && (e = readdir(dir)) != NULL) {
		char file[PATH_MAX];

		if (e->d_name[0] == '.')
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, e->d_name);
		n = run_file(file) < 0 ? -1 : n + 1;
	}
	closedir(dir);
	return n == 0 ? complain(path, "no inputs in it") : n;
}

static int run_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return complain(path, strerror(errno));
	if (S_ISDIR(st.st_mode))
		return run_directory(path);
	return run_file(path) < 0 ? -1 : 1;
}

int main(int argc, char *argv[])
{
	long total = 0;

	if (argc < 2) {
		fputs("usage: replay FILE|DIRECTORY...\n", stderr);
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		int n = run_path(argv[i]);

		if (n < 0)
			return 1;
		total += n;
	}
	printf("replay: %ld inputs\n", total);
	return 0;
}
