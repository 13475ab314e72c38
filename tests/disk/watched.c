/* A library to preload: records what a process does to the files under one folder, or fails it.

   DISK_ROOT   the folder.
   DISK_LOG    records go here: a line "KIND INODE OFFSET LENGTH" and LENGTH bytes after it.
               O opened (bytes: path), W written (bytes: content), T truncated to OFFSET,
               S synced, R renamed (bytes: from, NUL, to), U removed, D made a directory (path).
   DISK_FAIL   "FIRST COUNT": that many of the writes and syncs fail with EIO, beginning with FIRST.

   What C's stdio writes is not seen: it does not call these functions. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#define REAL(result, name, ...) \
    static result (*real)(__VA_ARGS__); \
    if (!real) real = (result (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static long operations, first_failure = -1, failures;
static int log_descriptor = -1;
static const char *root;
static size_t root_length;

__attribute__((constructor)) static void begin(void) {
    root = getenv("DISK_ROOT");
    root_length = root ? strlen(root) : 0;
    const char *fail = getenv("DISK_FAIL"), *log = getenv("DISK_LOG");
    if (fail) sscanf(fail, "%ld %ld", &first_failure, &failures);
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    if (log) log_descriptor = real(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

static int is_watched(const char *path) {
    return root && path && !strncmp(path, root, root_length);
}

static int is_watched_descriptor(int descriptor) {
    char link[64], path[4096];
    if (!root || descriptor == log_descriptor) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_watched(path);
}

static unsigned long inode(int descriptor) {
    struct stat found;
    return fstat(descriptor, &found) ? 0 : found.st_ino;
}

static void record(char kind, unsigned long file, long offset, const void *bytes, size_t length) {
    if (log_descriptor < 0) return;
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    char head[96];
    int size = snprintf(head, sizeof head, "%c %lu %ld %zu\n", kind, file, offset, length);
    if (real(log_descriptor, head, size) != size) abort();
    if (length && real(log_descriptor, bytes, length) != (ssize_t)length) abort();
}

static int fails(void) {
    long now = operations++;
    if (first_failure < 0 || now < first_failure || now >= first_failure + failures) return 0;
    errno = EIO;
    return 1;
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, name, const char *, int, ...); \
        va_list rest; va_start(rest, flags); mode_t mode = va_arg(rest, mode_t); va_end(rest); \
        if (!is_watched(path)) return real(path, flags, mode); \
        pthread_mutex_lock(&guard); \
        int made = real(path, flags, mode); \
        if (made >= 0) { \
            record('O', inode(made), 0, path, strlen(path)); \
            if (flags & O_TRUNC) record('T', inode(made), 0, "", 0); \
        } \
        pthread_mutex_unlock(&guard); \
        return made; \
    }
OPEN(open)
OPEN(open64)

ssize_t write(int descriptor, const void *bytes, size_t length) {
    REAL(ssize_t, write, int, const void *, size_t);
    if (!is_watched_descriptor(descriptor)) return real(descriptor, bytes, length);
    pthread_mutex_lock(&guard);
    off_t at = lseek(descriptor, 0, SEEK_CUR);
    struct stat found;
    if ((fcntl(descriptor, F_GETFL) & O_APPEND) && !fstat(descriptor, &found)) at = found.st_size;
    ssize_t done = fails() ? -1 : real(descriptor, bytes, length);
    if (done > 0) record('W', inode(descriptor), at, bytes, done);
    pthread_mutex_unlock(&guard);
    return done;
}

#define PWRITE(name) \
    ssize_t name(int descriptor, const void *bytes, size_t length, off_t at) { \
        REAL(ssize_t, name, int, const void *, size_t, off_t); \
        if (!is_watched_descriptor(descriptor)) return real(descriptor, bytes, length, at); \
        pthread_mutex_lock(&guard); \
        ssize_t done = fails() ? -1 : real(descriptor, bytes, length, at); \
        if (done > 0) record('W', inode(descriptor), at, bytes, done); \
        pthread_mutex_unlock(&guard); \
        return done; \
    }
PWRITE(pwrite)
PWRITE(pwrite64)

/* Refused, so that the caller writes what it copies. */
#define SENDFILE(name) \
    ssize_t name(int to, int from, off_t *at, size_t length) { \
        REAL(ssize_t, name, int, int, off_t *, size_t); \
        if (!is_watched_descriptor(to)) return real(to, from, at, length); \
        errno = EINVAL; \
        return -1; \
    }
SENDFILE(sendfile)
SENDFILE(sendfile64)

#define TRUNCATE(name) \
    int name(int descriptor, off_t size) { \
        REAL(int, name, int, off_t); \
        if (!is_watched_descriptor(descriptor)) return real(descriptor, size); \
        pthread_mutex_lock(&guard); \
        int result = real(descriptor, size); \
        if (!result) record('T', inode(descriptor), size, "", 0); \
        pthread_mutex_unlock(&guard); \
        return result; \
    }
TRUNCATE(ftruncate)
TRUNCATE(ftruncate64)

#define SYNC(name) \
    int name(int descriptor) { \
        REAL(int, name, int); \
        if (!is_watched_descriptor(descriptor)) return real(descriptor); \
        pthread_mutex_lock(&guard); \
        int result = fails() ? -1 : real(descriptor); \
        if (!result) record('S', inode(descriptor), 0, "", 0); \
        pthread_mutex_unlock(&guard); \
        return result; \
    }
SYNC(fsync)
SYNC(fdatasync)

int rename(const char *from, const char *to) {
    REAL(int, rename, const char *, const char *);
    if (!is_watched(from)) return real(from, to);
    char both[8192];
    int length = snprintf(both, sizeof both, "%s%c%s", from, 0, to);
    pthread_mutex_lock(&guard);
    int result = real(from, to);
    if (!result) record('R', 0, 0, both, length);
    pthread_mutex_unlock(&guard);
    return result;
}

int unlink(const char *path) {
    REAL(int, unlink, const char *);
    if (!is_watched(path)) return real(path);
    pthread_mutex_lock(&guard);
    int result = real(path);
    if (!result) record('U', 0, 0, path, strlen(path));
    pthread_mutex_unlock(&guard);
    return result;
}

int mkdir(const char *path, mode_t mode) {
    REAL(int, mkdir, const char *, mode_t);
    if (!is_watched(path)) return real(path, mode);
    pthread_mutex_lock(&guard);
    int result = real(path, mode);
    struct stat found;
    if (!result && !stat(path, &found)) record('D', found.st_ino, 0, path, strlen(path));
    pthread_mutex_unlock(&guard);
    return result;
}
