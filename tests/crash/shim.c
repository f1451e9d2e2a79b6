// SPDX-License-Identifier: Apache-2.0
/*
 * Keeps in $SHIM_DURABLE what a loss of power would leave of $SHIM_LIVE.
 *
 * Duty: loaded with LD_PRELOAD, it lets a program work as ever on the files under $SHIM_LIVE. What
 * the program writes there counts as written, not as durable: only fsync and fdatasync copy it. So
 * after SIGKILL the durable folder holds what was flushed and nothing else.
 *
 *   .inodes/NUMBER   the flushed octets of the live file with this inode number
 *   .dirty/NUMBER    what was written to it since: records of offset and length
 *   .flushes         one octet for each flush
 *   anything else    a hard link to .inodes/NUMBER: names that were durable, because their
 *                    folder was flushed after they had been made
 *
 * The records lie in files, so that several processes may work on one live folder, and so that a
 * test can spill some of what was not flushed (disks write what they like, in any order).
 * Not seen: writev, pwritev, copy_file_range, sendfile and memory maps. SQLite writes none of its
 * files in these ways, but for the -shm file, which is worthless after a crash anyway.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILES 65536
#define TRUNCATED UINT64_MAX /* in place of a length: the file was cut to `offset` */

struct record {
    uint64_t offset;
    uint64_t length;
};

/* Of each open descriptor: 0 not ours, 1 a file with its log, 2 a folder. */
static struct {
    char kind;
    int log;
} open_files[MAX_FILES];

static char live[PATH_MAX], durable[PATH_MAX];
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off64_t);
static int (*real_ftruncate)(int, off64_t);
static int (*real_fsync)(int);
static int (*real_unlink)(const char *);
static int (*real_unlinkat)(int, const char *, int);
static int (*real_renameat)(int, const char *, int, const char *);

__attribute__((constructor)) static void begin(void) {
    *(void **)&real_openat = dlsym(RTLD_NEXT, "openat64");
    *(void **)&real_close = dlsym(RTLD_NEXT, "close");
    *(void **)&real_write = dlsym(RTLD_NEXT, "write");
    *(void **)&real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    *(void **)&real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    *(void **)&real_fsync = dlsym(RTLD_NEXT, "fsync");
    *(void **)&real_unlink = dlsym(RTLD_NEXT, "unlink");
    *(void **)&real_unlinkat = dlsym(RTLD_NEXT, "unlinkat");
    *(void **)&real_renameat = dlsym(RTLD_NEXT, "renameat");
    const char *from = getenv("SHIM_LIVE"), *to = getenv("SHIM_DURABLE");
    if (from && to && realpath(from, live) && realpath(to, durable))
        return;
    live[0] = 0; /* nothing is ours */
}

static void give_up(const char *why) {
    /* A shim that goes on after a fault of its own would let a broken program pass. */
    fprintf(stderr, "crash shim: %s: %s\n", why, strerror(errno));
    abort();
}

static int ours(int fd) { return fd >= 0 && fd < MAX_FILES && open_files[fd].kind; }

static int is_file(int fd) { return ours(fd) && open_files[fd].kind == 1; }

static void inode_path(char *path, const char *folder, ino_t inode) {
    snprintf(path, PATH_MAX, "%.3900s/%s/%llu", durable, folder, (unsigned long long)inode);
}

/* Return what stands behind the live folder in the path of `fd`, NULL if that is elsewhere. */
static const char *live_name(int fd, char *path) {
    char proc[64];
    snprintf(proc, sizeof proc, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(proc, path, PATH_MAX - 1);
    size_t prefix = strlen(live);
    if (length < 0 || !prefix)
        return NULL;
    path[length] = 0;
    if (strncmp(path, live, prefix) || (path[prefix] && path[prefix] != '/'))
        return NULL;
    return path + prefix;
}

static void note(int fd, uint64_t offset, uint64_t length) {
    struct record record = {offset, length};
    pthread_mutex_lock(&one_at_a_time);
    if (flock(open_files[fd].log, LOCK_EX) ||
        real_write(open_files[fd].log, &record, sizeof record) != sizeof record ||
        flock(open_files[fd].log, LOCK_UN))
        give_up("cannot note a write");
    pthread_mutex_unlock(&one_at_a_time);
}

static int opened(int fd, int flags) {
    char path[PATH_MAX];
    struct stat64 status;
    if (fd < 0 || fd >= MAX_FILES || !live[0])
        return fd;
    int saved = errno;
    if (live_name(fd, path) && !fstat64(fd, &status)) {
        if (S_ISDIR(status.st_mode)) {
            open_files[fd].kind = 2;
        } else if (S_ISREG(status.st_mode) && status.st_nlink) {
            inode_path(path, ".dirty", status.st_ino);
            int log = real_openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
            if (log < 0)
                give_up(path);
            open_files[fd].log = log;
            open_files[fd].kind = 1;
            if (flags & O_TRUNC)
                note(fd, 0, TRUNCATED);
        }
    }
    errno = saved;
    return fd;
}

static void copy_range(int from, int to, uint64_t offset, uint64_t length) {
    char buffer[65536];
    while (length) {
        size_t piece = length < sizeof buffer ? length : sizeof buffer;
        ssize_t got = pread64(from, buffer, piece, offset);
        if (got < 0)
            give_up("cannot read the live file");
        if (!got)
            return; /* it was cut since */
        if (real_pwrite(to, buffer, got, offset) != got)
            give_up("cannot write the durable file");
        offset += got;
        length -= got;
    }
}

/* Copy what was written since the last flush, in the order in which it was written. */
static void flush_file(int fd) {
    char path[PATH_MAX];
    struct stat64 status;
    struct record record;
    int log = open_files[fd].log, from = fd;
    if (fstat64(fd, &status))
        give_up("cannot look at a live file");
    if (!status.st_nlink)
        return; /* its name is gone already: nobody will see it again */
    if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        from = real_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
        if (from < 0)
            give_up("cannot read what was only written");
    }
    inode_path(path, ".inodes", status.st_ino);
    int to = real_openat(AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (to < 0 || flock(log, LOCK_EX))
        give_up(path);
    for (off64_t at = 0; pread64(log, &record, sizeof record, at) == sizeof record;
         at += sizeof record) {
        if (record.length != TRUNCATED)
            copy_range(from, to, record.offset, record.length);
        else if (real_ftruncate(to, record.offset))
            give_up("cannot cut the durable file");
    }
    if (real_ftruncate(log, 0) || flock(log, LOCK_UN))
        give_up("cannot clear the log");
    if (from != fd)
        real_close(from);
    real_close(to);
}

/* Make the names in a folder durable as they are now. */
static void flush_folder(int fd) {
    char path[PATH_MAX], inode[PATH_MAX], target[PATH_MAX];
    struct stat64 status, kept;
    struct dirent64 *entry;
    const char *name = live_name(fd, path);
    if (!name)
        return;
    snprintf(target, sizeof target, "%.2000s%.2000s", durable, name);
    int from = real_openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int to = real_openat(AT_FDCWD, target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = from < 0 ? NULL : fdopendir(from);
    if (!names || to < 0)
        give_up(target);
    while ((entry = readdir64(names))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
            fstatat64(from, entry->d_name, &status, AT_SYMLINK_NOFOLLOW))
            continue;
        if (S_ISDIR(status.st_mode) && mkdirat(to, entry->d_name, 0700) && errno != EEXIST)
            give_up("cannot make a durable folder");
        if (!S_ISREG(status.st_mode))
            continue;
        inode_path(inode, ".inodes", status.st_ino);
        real_close(real_openat(AT_FDCWD, inode, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        struct stat64 wanted;
        if (stat64(inode, &wanted))
            give_up(inode);
        if (!fstatat64(to, entry->d_name, &kept, 0)) {
            if (kept.st_ino == wanted.st_ino)
                continue;
            real_unlinkat(to, entry->d_name, 0);
        }
        if (linkat(AT_FDCWD, inode, to, entry->d_name, 0))
            give_up("cannot make a name durable");
    }
    closedir(names);
    names = fdopendir(to);
    while (names && (entry = readdir64(names)))
        if (entry->d_type == DT_REG && strcmp(entry->d_name, ".flushes") &&
            fstatat64(fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW))
            real_unlinkat(to, entry->d_name, 0);
    closedir(names);
}

static int flushed(int fd) {
    char path[PATH_MAX];
    int saved = errno;
    pthread_mutex_lock(&one_at_a_time);
    if (open_files[fd].kind == 1)
        flush_file(fd);
    else
        flush_folder(fd);
    snprintf(path, sizeof path, "%.4000s/.flushes", durable);
    int count = real_openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (count < 0 || real_write(count, "", 1) != 1)
        give_up(path);
    real_close(count);
    pthread_mutex_unlock(&one_at_a_time);
    errno = saved;
    return 0;
}

/* A live file lost its last name: its number will be given to another file. */
static void forget(ino_t inode) {
    char path[PATH_MAX];
    inode_path(path, ".inodes", inode);
    real_unlink(path);
    inode_path(path, ".dirty", inode);
    real_unlink(path);
}

/* Return the inode that loses its last name when `path` is taken away, 0 if none of ours does. */
static ino_t losing(int folder, const char *path) {
    struct stat64 status;
    char proc[PATH_MAX];
    if (!live[0])
        return 0;
    int fd = real_openat(folder, path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return 0;
    int is_last = live_name(fd, proc) && !fstat64(fd, &status) && S_ISREG(status.st_mode) &&
                  status.st_nlink == 1;
    real_close(fd);
    return is_last ? status.st_ino : 0;
}

/* -- what the program calls */

#define MODE_OF(flags, mode)                                                                       \
    mode_t mode = 0;                                                                               \
    if (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE) {                               \
        va_list rest;                                                                              \
        va_start(rest, flags);                                                                     \
        mode = va_arg(rest, mode_t);                                                               \
        va_end(rest);                                                                              \
    }

int open64(const char *path, int flags, ...) {
    MODE_OF(flags, mode)
    return opened(real_openat(AT_FDCWD, path, flags, mode), flags);
}

int open(const char *path, int flags, ...) {
    MODE_OF(flags, mode)
    return opened(real_openat(AT_FDCWD, path, flags, mode), flags);
}

int openat64(int folder, const char *path, int flags, ...) {
    MODE_OF(flags, mode)
    return opened(real_openat(folder, path, flags, mode), flags);
}

int openat(int folder, const char *path, int flags, ...) {
    MODE_OF(flags, mode)
    return opened(real_openat(folder, path, flags, mode), flags);
}

/* What _FORTIFY_SOURCE makes of an open without a mode. */
int __open64_2(const char *path, int flags) {
    return opened(real_openat(AT_FDCWD, path, flags), flags);
}

int __open_2(const char *path, int flags) {
    return opened(real_openat(AT_FDCWD, path, flags), flags);
}

int close(int fd) {
    if (ours(fd)) {
        if (open_files[fd].kind == 1)
            real_close(open_files[fd].log);
        open_files[fd].kind = 0;
    }
    return real_close(fd);
}

ssize_t write(int fd, const void *octets, size_t count) {
    if (!is_file(fd))
        return real_write(fd, octets, count);
    ssize_t written = real_write(fd, octets, count);
    if (written > 0) /* behind the write, so that no flush in between can take it for done */
        note(fd, lseek64(fd, 0, SEEK_CUR) - written, written);
    return written;
}

ssize_t pwrite64(int fd, const void *octets, size_t count, off64_t offset) {
    ssize_t written = real_pwrite(fd, octets, count, offset);
    if (written > 0 && is_file(fd))
        note(fd, offset, written);
    return written;
}

ssize_t pwrite(int fd, const void *octets, size_t count, off_t offset) {
    return pwrite64(fd, octets, count, offset);
}

int ftruncate64(int fd, off64_t size) {
    int failed = real_ftruncate(fd, size);
    if (!failed && is_file(fd))
        note(fd, size, TRUNCATED);
    return failed;
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

/* A file's size is flushed by both; other metadata is of no concern here. */
int fsync(int fd) { return ours(fd) ? flushed(fd) : real_fsync(fd); }

int fdatasync(int fd) { return ours(fd) ? flushed(fd) : real_fsync(fd); }

int unlinkat(int folder, const char *path, int flags) {
    ino_t inode = flags & AT_REMOVEDIR ? 0 : losing(folder, path);
    int failed = real_unlinkat(folder, path, flags);
    if (!failed && inode)
        forget(inode);
    return failed;
}

int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    ino_t inode = losing(to_folder, to);
    int failed = real_renameat(from_folder, from, to_folder, to);
    if (!failed && inode)
        forget(inode);
    return failed;
}

int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }
