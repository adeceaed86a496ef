/* Load on one brick through libgfapi with nothing but protocol/client in the graph, so that the brick is what is measured.
 *
 *   load VOLFILE OP COUNT DEPTH     OP: write4k write128k read4k read128k stat lookup create unlink
 *
 * Data operations keep DEPTH requests in flight in one thread of this program; the others run in DEPTH threads. Prints seconds. */
#include <errno.h>
#include <fcntl.h>
#include <glusterfs/api/glfs.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static glfs_t *fs;
static const char *op;
static long count;
static int depth;
static sem_t window;
static atomic_long failed;

static void check(int ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static void done(glfs_fd_t *fd, ssize_t result, struct glfs_stat *pre, struct glfs_stat *post, void *data)
{
    (void)fd, (void)pre, (void)post, (void)data;
    if (result < 0)
        failed++;
    sem_post(&window);
}

static void data_load(size_t size, int writing)
{
    static char buffer[1 << 20];
    const long slots = (64L << 20) / size;
    glfs_fd_t *fd = glfs_creat(fs, "/load.data", O_RDWR, 0644);
    check(fd != NULL, "create load.data");
    memset(buffer, 'm', sizeof buffer);
    for (long at = 0; at < (64L << 20); at += sizeof buffer)
        check(glfs_pwrite(fd, buffer, sizeof buffer, at, 0, NULL, NULL) == sizeof buffer, "fill load.data");
    sem_init(&window, 0, depth);
    for (long i = 0; i < count; i++) {
        sem_wait(&window);
        off_t at = (i * 7919 % slots) * size;
        int rc = writing ? glfs_pwrite_async(fd, buffer, size, at, 0, done, NULL)
                         : glfs_pread_async(fd, buffer, size, at, 0, done, NULL);
        check(rc == 0, "submit");
    }
    for (int i = 0; i < depth; i++)
        sem_wait(&window);
    glfs_close(fd);
}

static void *worker(void *number)
{
    long me = (long)number;
    char path[64];
    for (long i = me; i < count; i += depth) {
        struct stat st;
        int rc = 0;
        if (!strcmp(op, "create") || !strcmp(op, "unlink"))
            snprintf(path, sizeof path, "/d%ld/new%ld", me % 16, i);
        else
            snprintf(path, sizeof path, "/d%ld/f%ld", me % 16, i % 512);
        if (!strcmp(op, "create")) {
            glfs_fd_t *fd = glfs_creat(fs, path, O_WRONLY | O_EXCL, 0644);
            rc = fd ? glfs_close(fd) : -1;
        } else if (!strcmp(op, "unlink")) {
            rc = glfs_unlink(fs, path);
        } else if (!strcmp(op, "stat")) {
            rc = glfs_stat(fs, path, &st);
        } else {
            rc = glfs_access(fs, "/absent", F_OK) == 0 || errno != ENOENT ? -1 : 0;
        }
        if (rc)
            failed++;
    }
    return NULL;
}

static void name_load(void)
{
    pthread_t threads[depth];
    char path[64];
    for (int i = 0; i < 16; i++) {
        snprintf(path, sizeof path, "/d%d", i);
        check(glfs_mkdir(fs, path, 0755) == 0 || errno == EEXIST, path);
    }
    if (!strcmp(op, "stat"))
        for (long i = 0; i < 16 * 512; i++) {
            snprintf(path, sizeof path, "/d%ld/f%ld", i / 512, i % 512);
            glfs_fd_t *fd = glfs_creat(fs, path, O_WRONLY, 0644);
            check(fd != NULL, path);
            glfs_close(fd);
        }
    printf("ready\n");
    fflush(stdout);
    getchar();
    for (long i = 0; i < depth; i++)
        check(pthread_create(&threads[i], NULL, worker, (void *)i) == 0, "thread");
    for (int i = 0; i < depth; i++)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    struct timespec a, b;
    if (argc != 5) {
        fprintf(stderr, "usage: load VOLFILE OP COUNT DEPTH\n");
        return 2;
    }
    op = argv[2], count = atol(argv[3]), depth = atoi(argv[4]);
    fs = glfs_new("bench");
    check(fs && glfs_set_volfile(fs, argv[1]) == 0, argv[1]);
    glfs_set_logging(fs, getenv("LOAD_LOG") ? getenv("LOAD_LOG") : "/dev/null", 6);
    check(glfs_init(fs) == 0, "connect");
    clock_gettime(CLOCK_MONOTONIC, &a);
    if (!strncmp(op, "write", 5) || !strncmp(op, "read", 4)) {
        int writing = op[0] == 'w';
        size_t size = (size_t)atol(op + (writing ? 5 : 4)) << 10;
        printf("ready\n");
        fflush(stdout);
        getchar();
        data_load(size, writing);
    } else {
        name_load();
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    printf("%s %ld operations, %ld failed, %.3f s\n", op, count, (long)failed, b.tv_sec - a.tv_sec + (b.tv_nsec - a.tv_nsec) / 1e9);
    fflush(stdout);
    _exit(failed != 0);
}
