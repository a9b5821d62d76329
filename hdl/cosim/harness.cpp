// Test bench of the machine under Verilator: the external memory of the timing contract, a host
// that starts one program, and a trace of what the units did.
//
// Arguments: image, result, bus bytes, latency, outstanding, cycle limit, stall seed (0: none),
// base, limit, limit of a run before (0: none), then address and length of the four instruction lists, then the number of runs one after the
// other. Prints one event of the last run a line; writes the memory after it to `result`. Exit status 0: finished, 3: cycle limit reached.
//
// With SDRAM the memory is the chip in module `system`: latency, outstanding and the stall seed are not used.
#ifdef SDRAM
#include "Vsystem.h"
#include "Vsystem___024root.h"
typedef Vsystem Top;
#else
#include "Vtilewright.h"
typedef Vtilewright Top;
#endif
#include "registers.h"
#include "verilated.h"
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <type_traits>
#include <vector>

// Bus signals are integers up to 64 bits and arrays of 32-bit words above.
template <class T>
typename std::enable_if<std::is_integral<T>::value>::type put(T& signal, const uint8_t* bytes, int count) {
    uint64_t value = 0;
    for (int i = 0; i < count; i++) value |= uint64_t(bytes[i]) << (8 * i);
    signal = T(value);
}
template <class T>
typename std::enable_if<!std::is_integral<T>::value>::type put(T& signal, const uint8_t* bytes, int count) {
    for (int i = 0; i < count / 4; i++) signal[i] = 0;
    for (int i = 0; i < count; i++) signal[i / 4] |= uint32_t(bytes[i]) << (8 * (i % 4));
}
template <class T>
typename std::enable_if<std::is_integral<T>::value, uint8_t>::type get(const T& signal, int byte) {
    return uint8_t(uint64_t(signal) >> (8 * byte));
}
template <class T>
typename std::enable_if<!std::is_integral<T>::value, uint8_t>::type get(const T& signal, int byte) {
    return uint8_t(signal[byte / 4] >> (8 * (byte % 4)));
}

struct Burst {
    bool write;
    uint64_t address, beats, done, accepted;
    int response;
};
// AXI's answers to what was done, and to an address where there is no memory.
enum { OKAY = 0, DECERR = 3 };

struct Random {
    uint64_t state;
    bool coin() {  // one in two; never without a seed
        if (!state) return false;
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state >> 40 & 1;
    }
};

static std::vector<uint8_t> memory;
static Top* top;
static int bus;
static uint64_t latency, outstanding;
static Random stall;
static std::deque<Burst> bursts;      // accepted and not ended, in order of acceptance
// Write responses: the cycle from which one may come, and what it says.
struct Answer {
    uint64_t from;
    int response;
};
static std::deque<Answer> answers;
static uint64_t late, out_of_range, transferred;

static void fail(const char* what) {
    fprintf(stderr, "%s\n", what);
    exit(4);
}

#ifdef SDRAM
// One clock cycle: the memory is the chip of module `system`.
static void cycle(int64_t) {
    top->clock = 0;
    top->eval();
    transferred += top->moved;
    top->clock = 1;
    top->eval();
}

// Between `memory` and the chip, whose words follow each other as the bytes do.
static void exchange(bool to_chip) {
    auto& words = top->rootp->system__DOT__chip__DOT__memory;
    for (size_t i = 0; i < memory.size(); i++) {
        const int shift = 8 * (i % bus);
        auto& word = words[i / bus];
        if (to_chip) {
            word = (word & ~(uint64_t(0xff) << shift)) | uint64_t(memory[i]) << shift;
        } else {
            memory[i] = uint8_t(word >> shift);
        }
    }
}
#else
// One clock cycle. `time` is the cycle number of the contract.
static void cycle(int64_t time) {
    // What the memory shows follows from registers and the past only.
    const bool ready = bursts.size() < outstanding && !stall.coin();
    top->axi_arready = top->axi_awready = ready;
    const bool moves = !bursts.empty() && uint64_t(time) >= bursts.front().accepted + latency && !stall.coin();
    const bool reads = moves && !bursts.front().write, writes = moves && bursts.front().write;
    top->axi_rvalid = reads;
    top->axi_rlast = reads && bursts.front().done + 1 == bursts.front().beats;
    top->axi_wready = writes;
    uint64_t place = moves ? bursts.front().address + bursts.front().done * bus : 0;
    const bool inside = place + bus <= memory.size();
    top->axi_rresp = reads && !inside ? DECERR : OKAY;
    static const std::vector<uint8_t> nothing(16, 0xa5);
    put(top->axi_rdata, reads && inside ? &memory[place] : nothing.data(), bus);
    const bool answer = !answers.empty() && uint64_t(time) >= answers.front().from && !stall.coin();
    top->axi_bvalid = answer;
    top->axi_bresp = answer ? answers.front().response : OKAY;
    top->clock = 0;
    top->eval();
    // Handshakes.
    bool ended = false;
    if (reads && top->axi_rready) {
        if (!inside) { out_of_range++; }
        bursts.front().done++;
        transferred++;
    }
    if (writes) {
        if (top->axi_wvalid) {
            for (int i = 0; i < bus; i++) {
                if (!(top->axi_wstrb >> i & 1)) continue;
                if (place + i < memory.size()) {
                    memory[place + i] = get(top->axi_wdata, i);
                } else {
                    out_of_range++;
                    bursts.front().response = DECERR;
                }
            }
            bursts.front().done++;
            transferred++;
            const bool last = bursts.front().done == bursts.front().beats;
            if (bool(top->axi_wlast) != last) fail("wlast is not at the end of the burst");
        } else {
            late++;
        }
    }
    if (moves && bursts.front().done == bursts.front().beats) ended = true;
    if (answer) answers.pop_front();
    const bool read_command = top->axi_arvalid && ready, write_command = top->axi_awvalid && ready;
    if (read_command && write_command) fail("two commands in one cycle");
    if (ended) {
        if (bursts.front().write) answers.push_back({uint64_t(time) + 1, bursts.front().response});
        bursts.pop_front();
    }
    if (read_command || write_command) {
        const uint64_t address = read_command ? top->axi_araddr : top->axi_awaddr;
        const uint64_t beats = 1 + uint64_t(read_command ? top->axi_arlen : top->axi_awlen);
        if (address % bus) fail("a burst does not start at a whole beat");
        bursts.push_back({write_command, address, beats, 0, uint64_t(time), OKAY});
    }
    top->clock = 1;
    top->eval();
}

static void exchange(bool) {}
#endif

static void host(int address, uint32_t data, bool write) {
    top->register_write = write;
    top->register_address = address;
    top->register_write_data = data;
}

// Asks for a run: the next cycle is its cycle 0.
static void begin() {
#ifdef SDRAM
    host(0, 0, false);
    top->start_request = 1;
    for (int waited = 0; !top->start; waited++) {
        if (waited > 100000) fail("the memory does not start the machine");
        cycle(-1);
        top->start_request = 0;
    }
#else
    host(TILEWRIGHT_CONTROL, 1, true);
#endif
}

int main(int argc, char** argv) {
    if (argc != 20) fail("wrong arguments");
    FILE* file = fopen(argv[1], "rb");
    if (!file) fail("no image");
    fseek(file, 0, SEEK_END);
    memory.resize(ftell(file));
    rewind(file);
    if (fread(memory.data(), 1, memory.size(), file) != memory.size()) fail("image");
    fclose(file);
    bus = atoi(argv[3]);
    latency = atoll(argv[4]);
    outstanding = atoll(argv[5]);
    const int64_t limit = atoll(argv[6]);
    stall.state = strtoull(argv[7], nullptr, 10);
    top = new Top;
    top->clock = 0;
    top->reset = 1;
    host(0, 0, false);
    // The memory is idle until the program starts, whatever the time.
    for (int i = 0; i < 4; i++) cycle(-1);
    top->reset = 0;
#ifdef SDRAM
    for (int waited = 0; !top->ready; waited++) {
        if (waited > 1000000) fail("the memory is never ready");
        cycle(-1);
    }
#endif
    exchange(true);
    for (int u = 0; u < 4; u++) {
        host(TILEWRIGHT_ADDRESS + u, strtoull(argv[11 + 2 * u], nullptr, 10), true);
        cycle(-1);
        host(TILEWRIGHT_COUNT + u, strtoull(argv[12 + 2 * u], nullptr, 10), true);
        cycle(-1);
    }
    const auto set = [](int number, const char* value) {
        host(number, strtoul(value, nullptr, 10), true);
        cycle(-1);
    };
    set(TILEWRIGHT_BASE, argv[8]);
    if (atoll(argv[10])) {
        // A run that does not come to its end, unless that is before the limit; what it leaves is nothing.
        const std::vector<uint8_t> image = memory;
        set(TILEWRIGHT_LIMIT, argv[10]);
        begin();
        for (int64_t time = 0; time < limit && !top->done; time++) {
            cycle(time);
            host(0, 0, false);
        }
        if (!top->done) fail("the limit does not end a run");
        top->eval();
#ifndef SDRAM
        if (!bursts.empty() || !answers.empty() || top->axi_arvalid || top->axi_awvalid || top->axi_wvalid)
            fail("bursts are under way after the end of a run");
#endif
        memory = image;
        exchange(true);
    }
    set(TILEWRIGHT_LIMIT, argv[9]);
    const int runs = atoi(argv[19]);
    int64_t time = 0;
    for (int n = 1; n < runs; n++) {
        begin();
        for (time = 0; time < limit; time++) {
            cycle(time);
            host(0, 0, false);
            if (top->done) break;
        }
    }
    late = out_of_range = transferred = 0;
    begin();
    transferred = 0;
    for (time = 0; time < limit; time++) {
        cycle(time);  // ends after the clock edge: what is seen now belongs to time + 1
        host(0, 0, false);
        if (top->done) break;
        top->eval();
        for (int u = 0; u < 4; u++) {
            if (top->unit_issue >> u & 1) printf("issue %d %lld\n", u, (long long)time + 1);
        }
        for (int u = 0; u < 4; u++) {
            if (top->unit_done >> u & 1) printf("done %d %lld\n", u, (long long)time + 1);
        }
    }
    const bool finished = top->done;
    stall.state = 0;
    const auto word = [&time](int number) -> uint64_t {
        host(number, 0, false);
        cycle(++time);
        return top->register_read_data;
    };
    printf("errors %llu\n", (unsigned long long)word(TILEWRIGHT_ERROR));
    const uint64_t low = word(TILEWRIGHT_CYCLES);
    printf("cycles %llu\n", (unsigned long long)(low | word(TILEWRIGHT_CYCLES + 1) << 32));
    printf("late %llu\nout_of_range %llu\nbeats %llu\n", (unsigned long long)late, (unsigned long long)out_of_range,
           (unsigned long long)transferred);
    if (!bursts.empty() || !answers.empty()) printf("unfinished %zu\n", bursts.size() + answers.size());
    exchange(false);
    FILE* result = fopen(argv[2], "wb");
    if (!result || fwrite(memory.data(), 1, memory.size(), result) != memory.size()) fail("cannot write the result");
    fclose(result);
    top->final();
    return finished ? 0 : 3;
}
