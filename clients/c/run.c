/* Runs a network of one stage on a board at a serial port:
 *
 *     tilewright generate net.tw -o generated
 *     cc -Igenerated -o run run.c tilewright_link.c
 *     ./run /dev/ttyUSB0 generated/memory.bin input.bin output.bin [MILLISECONDS to wait for an answer]
 *
 * input.bin has the bytes of the network's first input as tilewright.h describes them, output.bin gets those of its
 * first output; the cycles that the run took are printed. */
#define _DEFAULT_SOURCE
#include "tilewright.h"
#include "tilewright_link.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

static int line_send(void *line, const uint8_t *bytes, size_t count) {
    while (count > 0) {
        ssize_t sent = write(*(int *)line, bytes, count);
        if (sent <= 0) return -1;
        bytes += sent;
        count -= (size_t)sent;
    }
    return 0;
}

static int line_receive(void *line, uint8_t *bytes, size_t most, unsigned milliseconds) {
    struct pollfd wanted = {*(int *)line, POLLIN, 0};
    int come = poll(&wanted, 1, (int)milliseconds);
    if (come <= 0) return come;
    ssize_t count = read(*(int *)line, bytes, most);
    return count > 0 ? (int)count : -1;
}

static int open_port(const char *path) {
    struct termios modes;
    int port = open(path, O_RDWR | O_NOCTTY);
    if (port < 0 || tcgetattr(port, &modes) < 0) return -1;
    cfmakeraw(&modes);
    modes.c_cflag |= CLOCAL | CREAD;
    modes.c_cflag &= ~(tcflag_t)(CSTOPB | CRTSCTS);
#ifdef B3000000
    if (cfsetspeed(&modes, B3000000) < 0) return -1;
#endif
    return tcsetattr(port, TCSAFLUSH, &modes) < 0 ? -1 : port;
}

static void stop(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

/* Stops where the board says anything but that it is done. */
static void done(int status, const char *what) {
    if (status == TILEWRIGHT_DONE) return;
    fprintf(stderr, "%s: status %d\n", what, status);
    exit(1);
}

static uint8_t *contents(const char *path, size_t count) {
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(count + 1);
    if (!file || !bytes || fread(bytes, 1, count + 1, file) != count) stop("a file is not there, or of another size");
    fclose(file);
    return bytes;
}

int main(int count, char **arguments) {
    if (count != 5 && count != 6) stop("usage: run PORT memory.bin input.bin output.bin [MILLISECONDS]");
    int port = open_port(arguments[1]);
    if (port < 0) stop("the serial port cannot be opened");
    unsigned patience = count == 6 ? (unsigned)atoi(arguments[5]) : 400;
    tilewright_link link = {&port, line_send, line_receive, patience, 0, 0, {0}};

    tilewright_identity board;
    done(tilewright_identify(&link, &board), "identify");
    if (board.isa != TILEWRIGHT_ISA_KEY) stop("the board is of another machine");
    if (board.memory_bytes < TILEWRIGHT_STAGE_0_BYTES) stop("the board has not enough memory");
    tilewright_status now;
    do done(tilewright_read_status(&link, &now), "status");
    while (!now.ready || now.running);

    uint8_t *image = contents(arguments[2], TILEWRIGHT_STAGE_0_BYTES);
    uint8_t *input = contents(arguments[3], TILEWRIGHT_STAGE_0_INPUT_0_BYTES);
    done(tilewright_write_memory(&link, 0, image, TILEWRIGHT_STAGE_0_BYTES), "loading");
    done(tilewright_write_memory(&link, TILEWRIGHT_STAGE_0_INPUT_0_ADDRESS, input, TILEWRIGHT_STAGE_0_INPUT_0_BYTES),
         "input");

    const tilewright_program program = {
        {TILEWRIGHT_STAGE_0_COMPUTE_ADDRESS, TILEWRIGHT_STAGE_0_VECTOR_ADDRESS, TILEWRIGHT_STAGE_0_LOAD_ADDRESS,
         TILEWRIGHT_STAGE_0_STORE_ADDRESS},
        {TILEWRIGHT_STAGE_0_COMPUTE_COUNT, TILEWRIGHT_STAGE_0_VECTOR_COUNT, TILEWRIGHT_STAGE_0_LOAD_COUNT,
         TILEWRIGHT_STAGE_0_STORE_COUNT}};
    uint32_t errors;
    uint64_t cycles;
    done(tilewright_run(&link, &program, 0, 8 * TILEWRIGHT_STAGE_0_CYCLES + 100000, &errors, &cycles), "run");
    if (errors) {
        fprintf(stderr, "the run ended with error bits %#x\n", (unsigned)errors);
        return 1;
    }
    static uint8_t output[TILEWRIGHT_STAGE_0_OUTPUT_0_BYTES];
    done(tilewright_read_memory(&link, TILEWRIGHT_STAGE_0_OUTPUT_0_ADDRESS, output, sizeof output), "output");
    FILE *file = fopen(arguments[4], "wb");
    if (!file || fwrite(output, 1, sizeof output, file) != sizeof output || fclose(file))
        stop("output.bin: not written");
    printf("%llu cycles\n", (unsigned long long)cycles);
    free(image);
    free(input);
    return 0;
}
