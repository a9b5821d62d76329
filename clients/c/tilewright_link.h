/* A host of a Tilewright board in C99: requests and answers of docs/host.md (version 1) over any line, without an
 * operating system and without allocation. Build tilewright_link.c with your program; run.c is one for POSIX.
 *
 * Every function returns TILEWRIGHT_DONE, another status of the board, or a negative number where no answer came. */
#ifndef TILEWRIGHT_LINK_H
#define TILEWRIGHT_LINK_H

#include <stddef.h>
#include <stdint.h>

enum {
    TILEWRIGHT_DONE = 0,
    /* The board's: a run is under way or the memory is not ready; no such command; no such byte, or control was to be
     * written; the memory answered with an error or not at all. */
    TILEWRIGHT_BUSY = 1,
    TILEWRIGHT_UNKNOWN = 2,
    TILEWRIGHT_OUTSIDE = 3,
    TILEWRIGHT_MEMORY = 4,
    /* The line is gone; no answer in time, several times; an answer that no board gives; another version of the
     * protocol; a run that passed its limit twice over, after which the board has been reset. */
    TILEWRIGHT_LINE = -1,
    TILEWRIGHT_SILENT = -2,
    TILEWRIGHT_NONSENSE = -3,
    TILEWRIGHT_VERSION = -4,
    TILEWRIGHT_STUCK = -5
};

/* Bytes of the longest answer: mark, sequence number, count, payload, status, checksum. */
#define TILEWRIGHT_LONGEST (1 + 3 + 1024 + 1 + 4)

/* One end of a line with a board on the other one. Set the first four fields, and the rest to zero. */
typedef struct {
    /* Passed to both functions. */
    void *line;
    /* Sends all bytes; 0, or a negative number if the line is gone. */
    int (*send)(void *line, const uint8_t *bytes, size_t count);
    /* Waits for bytes, so many milliseconds at the longest: how many came, at most `most`; 0 if none did; a negative
     * number if the line is gone. */
    int (*receive)(void *line, uint8_t *bytes, size_t most, unsigned milliseconds);
    /* How long an answer is waited for before the request is sent again: longer than the board's time-out for frames,
     * which is 170 ms on the boards of the project; 400 is good. */
    unsigned patience;

    uint8_t sequence;
    size_t held;
    uint8_t come[TILEWRIGHT_LONGEST];
} tilewright_link;

/* What a board is. */
typedef struct {
    uint8_t version;
    uint8_t bus_bytes;
    uint16_t most_bytes;
    uint32_t isa;
    uint32_t timing;
    uint32_t memory_bytes;
    uint32_t clock_hz;
    uint32_t timeout_cycles;
} tilewright_identity;

/* How a board is; `skipped` and `dropped` are modulo 256. */
typedef struct {
    int ready;
    int running;
    int done;
    uint8_t error;
    uint8_t skipped;
    uint8_t dropped;
} tilewright_status;

/* The instruction lists of a stage (compute, vector, load, store), as the generated tilewright.h has them. */
typedef struct {
    uint32_t address[4];
    uint32_t count[4];
} tilewright_program;

/* The first request of a session. */
int tilewright_identify(tilewright_link *link, tilewright_identity *identity);
int tilewright_read_status(tilewright_link *link, tilewright_status *status);
/* Registers by number (interface.md), at most 16 at a time. */
int tilewright_read_registers(tilewright_link *link, unsigned first, uint32_t *words, unsigned count);
int tilewright_write_registers(tilewright_link *link, unsigned first, const uint32_t *words, unsigned count);
/* Any number of bytes; what lies before the first one that was refused is done. */
int tilewright_read_memory(tilewright_link *link, uint32_t address, uint8_t *bytes, size_t count);
int tilewright_write_memory(tilewright_link *link, uint32_t address, const uint8_t *bytes, size_t count);
int tilewright_start(tilewright_link *link);
/* What the memory holds is not known afterwards. */
int tilewright_reset(tilewright_link *link);

/* Runs a stage whose image and inputs lie at `base`, for at most `limit` cycles (0: as long as it takes), and waits for
 * its end. `errors` gets the register error, whose bits tilewright.h names (0: the run is right), `cycles` what it
 * took. */
int tilewright_run(tilewright_link *link, const tilewright_program *program, uint32_t base, uint32_t limit,
                   uint32_t *errors, uint64_t *cycles);

#endif
