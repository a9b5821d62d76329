#include "tilewright_link.h"

#include <string.h>

enum {
    VERSION = 1,
    REQUEST_MARK = 0xa5,
    ANSWER_MARK = 0x5a,
    MOST_BYTES = 1024,
    ATTEMPTS = 5,
    /* Mark, sequence number, count. */
    ANSWER_HEAD = 4,
    /* Mark, sequence number, command, address, count. */
    REQUEST_HEAD = 9
};

enum {
    IDENTIFY = 0x01,
    STATUS = 0x02,
    READ_REGISTERS = 0x03,
    READ_MEMORY = 0x04,
    WRITE_REGISTERS = 0x83,
    WRITE_MEMORY = 0x84,
    START = 0x85,
    RESET = 0x86,
    /* Of commands whose request carries the payload. */
    CHANGES = 0x80
};

/* Numbers of registers. */
enum { REGISTER_ERROR = 1, REGISTER_CYCLES = 2, REGISTER_ADDRESS = 4, REGISTER_LIMIT = 13, REGISTERS = 16 };

/* A run that passes twice its limit and this does not end by itself. */
static const uint64_t LIMIT_LEAST = 100000;

static uint32_t crc32(uint32_t crc, const uint8_t *bytes, size_t count) {
    for (size_t n = 0; n < count; n++) {
        crc ^= bytes[n];
        for (int bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return crc;
}

static void put(uint8_t *bytes, uint32_t word, int count) {
    for (int n = 0; n < count; n++) bytes[n] = (uint8_t)(word >> 8 * n);
}

static uint32_t get(const uint8_t *bytes, int count) {
    uint32_t word = 0;
    for (int n = 0; n < count; n++) word |= (uint32_t)bytes[n] << 8 * n;
    return word;
}

/* The bytes of the answer that `bytes` begin with; 0 if they begin with none that is whole. */
static size_t answer_length(const uint8_t *bytes, size_t held) {
    if (held < ANSWER_HEAD || bytes[0] != ANSWER_MARK) return 0;
    size_t payload = get(bytes + 2, 2), sum = ANSWER_HEAD + payload + 1;
    if (payload > MOST_BYTES || held < sum + 4) return 0;
    return ~crc32(~0u, bytes + 1, sum - 1) == get(bytes + sum, 4) ? sum + 4 : 0;
}

/* Takes an answer with this sequence number out of what has come: its status, or -1 if there is none yet. A mark by
 * chance hides nothing: an answer may begin behind it. */
static int take_answer(tilewright_link *link, uint8_t sequence, uint8_t *told, size_t wanted) {
    size_t done = 0;
    int found = -1;
    for (size_t at = 0; at < link->held && found < 0;) {
        const uint8_t *bytes = link->come + at;
        size_t length = answer_length(bytes, link->held - at);
        if (length == 0) {
            at++;
            continue;
        }
        at += length;
        done = at;
        if (bytes[1] != sequence) continue;
        size_t payload = get(bytes + 2, 2);
        uint8_t status = bytes[ANSWER_HEAD + payload];
        /* `found` is a status and, beyond those, nonsense. */
        found = status;
        if (status == TILEWRIGHT_DONE && payload != wanted) found = 0xff;
        if (status == TILEWRIGHT_DONE && payload == wanted && wanted > 0) memcpy(told, bytes + ANSWER_HEAD, wanted);
    }
    /* The buffer holds the longest answer: if it is full and none is whole, its first byte begins none. */
    if (done == 0 && link->held == TILEWRIGHT_LONGEST) done = 1;
    link->held -= done;
    memmove(link->come, link->come + done, link->held);
    return found;
}

static int ask(tilewright_link *link, uint8_t command, uint32_t address, const uint8_t *payload, uint8_t *told,
               uint16_t count) {
    int changes = command & CHANGES;
    uint8_t head[REQUEST_HEAD], tail[4], sequence = ++link->sequence;
    head[0] = REQUEST_MARK;
    head[1] = sequence;
    head[2] = command;
    put(head + 3, address, 4);
    put(head + 7, count, 2);
    uint32_t crc = crc32(~0u, head + 1, REQUEST_HEAD - 1);
    if (changes) crc = crc32(crc, payload, count);
    put(tail, ~crc, 4);
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        /* What comes of an earlier request is of no interest. */
        link->held = 0;
        if (link->send(link->line, head, sizeof head) < 0 ||
            (changes && count > 0 && link->send(link->line, payload, count) < 0) ||
            link->send(link->line, tail, sizeof tail) < 0)
            return TILEWRIGHT_LINE;
        for (;;) {
            size_t room = TILEWRIGHT_LONGEST - link->held;
            int came = link->receive(link->line, link->come + link->held, room, link->patience);
            if (came < 0) return TILEWRIGHT_LINE;
            if (came == 0) break;
            link->held += (size_t)came;
            int status = take_answer(link, sequence, told, changes ? 0 : count);
            if (status >= 0) return status <= TILEWRIGHT_MEMORY ? status : TILEWRIGHT_NONSENSE;
        }
    }
    return TILEWRIGHT_SILENT;
}

int tilewright_identify(tilewright_link *link, tilewright_identity *identity) {
    uint8_t told[24];
    int status = ask(link, IDENTIFY, 0, NULL, told, sizeof told);
    if (status != TILEWRIGHT_DONE) return status;
    identity->version = told[0];
    identity->bus_bytes = told[1];
    identity->most_bytes = (uint16_t)get(told + 2, 2);
    identity->isa = get(told + 4, 4);
    identity->timing = get(told + 8, 4);
    identity->memory_bytes = get(told + 12, 4);
    identity->clock_hz = get(told + 16, 4);
    identity->timeout_cycles = get(told + 20, 4);
    return identity->version == VERSION ? TILEWRIGHT_DONE : TILEWRIGHT_VERSION;
}

int tilewright_read_status(tilewright_link *link, tilewright_status *status) {
    uint8_t told[4];
    int answered = ask(link, STATUS, 0, NULL, told, sizeof told);
    if (answered != TILEWRIGHT_DONE) return answered;
    status->ready = told[0] & 1;
    status->running = told[0] >> 1 & 1;
    status->done = told[0] >> 2 & 1;
    status->error = told[1];
    status->skipped = told[2];
    status->dropped = told[3];
    return TILEWRIGHT_DONE;
}

int tilewright_read_registers(tilewright_link *link, unsigned first, uint32_t *words, unsigned count) {
    uint8_t told[4 * REGISTERS];
    if (count > REGISTERS) return TILEWRIGHT_OUTSIDE;
    int status = ask(link, READ_REGISTERS, 4 * first, NULL, told, (uint16_t)(4 * count));
    for (unsigned n = 0; status == TILEWRIGHT_DONE && n < count; n++) words[n] = get(told + 4 * n, 4);
    return status;
}

int tilewright_write_registers(tilewright_link *link, unsigned first, const uint32_t *words, unsigned count) {
    uint8_t bytes[4 * REGISTERS];
    if (count > REGISTERS) return TILEWRIGHT_OUTSIDE;
    for (unsigned n = 0; n < count; n++) put(bytes + 4 * n, words[n], 4);
    return ask(link, WRITE_REGISTERS, 4 * first, bytes, NULL, (uint16_t)(4 * count));
}

/* Bytes of the next frame: blocks end at multiples of the longest payload. */
static uint16_t block(uint32_t address, size_t count) {
    size_t most = MOST_BYTES - address % MOST_BYTES;
    return (uint16_t)(count < most ? count : most);
}

/* Reads or writes memory frame by frame; one of the last two is null. */
static int move_memory(tilewright_link *link, uint8_t command, uint32_t address, size_t count, const uint8_t *payload,
                       uint8_t *told) {
    int status = TILEWRIGHT_DONE;
    for (size_t done = 0; done < count && status == TILEWRIGHT_DONE;) {
        uint32_t at = address + (uint32_t)done;
        uint16_t now = block(at, count - done);
        status = ask(link, command, at, payload ? payload + done : NULL, told ? told + done : NULL, now);
        done += now;
    }
    return status;
}

int tilewright_read_memory(tilewright_link *link, uint32_t address, uint8_t *bytes, size_t count) {
    return move_memory(link, READ_MEMORY, address, count, NULL, bytes);
}

int tilewright_write_memory(tilewright_link *link, uint32_t address, const uint8_t *bytes, size_t count) {
    return move_memory(link, WRITE_MEMORY, address, count, bytes, NULL);
}

int tilewright_start(tilewright_link *link) { return ask(link, START, 0, NULL, NULL, 0); }

int tilewright_reset(tilewright_link *link) { return ask(link, RESET, 0, NULL, NULL, 0); }

int tilewright_run(tilewright_link *link, const tilewright_program *program, uint32_t base, uint32_t limit,
                   uint32_t *errors, uint64_t *cycles) {
    uint32_t lists[8], last[2] = {limit, base}, told[3] = {0, 0, 0};
    tilewright_status now;
    int status;
    memcpy(lists, program->address, sizeof program->address);
    memcpy(lists + 4, program->count, sizeof program->count);
    if ((status = tilewright_write_registers(link, REGISTER_ADDRESS, lists, 8)) != TILEWRIGHT_DONE) return status;
    if ((status = tilewright_write_registers(link, REGISTER_LIMIT, last, 2)) != TILEWRIGHT_DONE) return status;
    if ((status = tilewright_start(link)) != TILEWRIGHT_DONE) return status;
    for (;;) {
        if ((status = tilewright_read_status(link, &now)) != TILEWRIGHT_DONE) return status;
        if ((status = tilewright_read_registers(link, REGISTER_ERROR, told, 3)) != TILEWRIGHT_DONE) return status;
        *errors = told[0];
        *cycles = told[1] | (uint64_t)told[2] << 32;
        if (!now.running) return TILEWRIGHT_DONE;
        /* At its limit the machine stops by itself, unless the memory never answers. */
        if (limit > 0 && *cycles > 2 * (uint64_t)limit + LIMIT_LEAST) {
            status = tilewright_reset(link);
            return status == TILEWRIGHT_DONE ? TILEWRIGHT_STUCK : status;
        }
    }
}
