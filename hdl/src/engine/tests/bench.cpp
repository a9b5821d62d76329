// Runs operations on an engine: memories in, bytes and cycles out.
//
// The file "stimuli" holds records of 32-bit words: what (0 feature image, 1 weight beat, 2 channel
// beat, 3 table beat, 4 operation, 5 operation that goes on from sums that are kept), then its fields. "results" gets, for each operation, its cycles
// and the feature memory.
#include "Vdut.h"
#include "verilated.h"
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <vector>

typedef std::vector<uint32_t> Words;

static uint32_t word(const CData& p, size_t) { return p; }
static uint32_t word(const SData& p, size_t) { return p; }
static uint32_t word(const IData& p, size_t) { return p; }
static uint32_t word(const QData& p, size_t i) { return uint32_t(p >> (32 * i)); }
template <std::size_t N> static uint32_t word(const VlWide<N>& p, size_t i) { return p[i]; }
template <class T> static void put(T& p, const Words& w) {
    uint64_t value = w[0];
    if (w.size() > 1) value |= uint64_t(w[1]) << 32;
    p = T(value);
}
template <std::size_t N> static void put(VlWide<N>& p, const Words& w) {
    for (size_t i = 0; i < N; i++) p[i] = i < w.size() ? w[i] : 0;
}
template <class T> static uint32_t get(const T& port, size_t low, size_t width) {
    uint64_t value = word(port, low / 32);
    if (low % 32 + width > 32) value |= uint64_t(word(port, low / 32 + 1)) << 32;
    return uint32_t((value >> (low % 32)) & ((uint64_t(1) << width) - 1));
}

static Vdut* dut;
static std::vector<uint8_t> memory(size_t(P) << RW);
static uint32_t seed = 1;
static uint32_t noise() { return seed = seed * 1664525u + 1013904223u, seed >> 8; }

struct Read { std::vector<uint8_t> data; };
static std::deque<Read> gathers, operands;
struct Write { size_t at; uint8_t byte; };
static std::deque<std::vector<Write>> writes;
static bool done;

template <class R, class E> static Read read(const R& row, const E& enable) {
    Read r;
    for (size_t b = 0; b < P; b++)
        r.data.push_back(get(enable, b, 1) ? memory[size_t(get(row, b * RW, RW)) * P + b] : uint8_t(noise()));
    return r;
}
static Words pack(const Read& r) {
    Words w((P * 8 + 31) / 32);
    for (size_t b = 0; b < P; b++) w[b / 4] |= uint32_t(r.data[b]) << (8 * (b % 4));
    return w;
}
static void apply(const std::vector<Write>& list) { for (const Write& w : list) memory[w.at] = w.byte; }

static void cycle() {
    put(dut->gather_data, pack(gathers.front())); gathers.pop_front();
    put(dut->operand_data, pack(operands.front())); operands.pop_front();
    dut->clock = 0;
    dut->eval();
    gathers.push_back(read(dut->gather_row, dut->gather_enable));
    operands.push_back(read(dut->operand_row, dut->operand_enable));
    std::vector<Write> now;
    for (size_t b = 0; b < P; b++)
        if (get(dut->output_enable, b, 1))
            now.push_back({size_t(get(dut->output_row, b * RW, RW)) * P + b, uint8_t(get(dut->output_data, b * 8, 8))});
    // A write is visible two cycles after it was presented.
    writes.push_back(now);
    if (writes.size() > 2) { apply(writes.front()); writes.pop_front(); }
    done = dut->done;
    dut->clock = 1;
    dut->eval();
}

static FILE* file;
static uint32_t operations;
static uint32_t next() {
    uint32_t w;
    return fread(&w, 4, 1, file) == 1 ? w : ~0u;
}
static Words list(size_t n) {
    Words w;
    for (size_t i = 0; i < n; i++) w.push_back(next());
    return w;
}
static Words garbage(size_t n) {
    Words w;
    for (size_t i = 0; i < n; i++) w.push_back(noise() ^ noise() << 16);
    return w;
}

int main(int argc, char** argv) {
    Verilated::commandArgs(argc, argv);
    dut = new Vdut;
    file = fopen("stimuli", "rb");
    FILE* out = fopen("results", "wb");
    dut->clock = 0;
    dut->eval();
    Read nothing;
    nothing.data.resize(P);
    for (int i = 0; i < LATENCY; i++) { gathers.push_back(nothing); operands.push_back(nothing); }
    dut->reset = 1;
    cycle();
    dut->reset = 0;
    const size_t beat = (B + 3) / 4;
    for (uint32_t what = next(); what != ~0u; what = next()) {
        if (what == 0) {
            for (size_t i = 0; i < memory.size(); i++) { if (i % 4 == 0) seed = next(); memory[i] = uint8_t(seed >> (8 * (i % 4))); }
        } else if (what == 1) {
#ifdef VECTOR
            list(2 + beat);
#else
            dut->weight_write = 1; put(dut->weight_word, list(1)); put(dut->weight_beat, list(1)); put(dut->weight_data, list(beat));
            cycle();
            dut->weight_write = 0;
#endif
        } else if (what == 2) {
            dut->channel_write = 1; put(dut->channel_word, list(1)); put(dut->channel_beat, list(1)); put(dut->channel_data, list(beat));
            cycle();
            dut->channel_write = 0;
        } else if (what == 3) {
            dut->table_write = 1; put(dut->table_address, list(1)); put(dut->table_data, list(beat));
            cycle();
            dut->table_write = 0;
        } else {
            uint32_t gap = next();
            Words instruction = list(32);
            for (uint32_t i = 1; i < gap; i++) { put(dut->instruction, garbage(32)); cycle(); }
            put(dut->instruction, instruction);
            // Every third is interrupted by a reset first, anywhere, and leaves nothing behind but what it wrote: no
            // sums either, so none that goes on from some.
            if (++operations % 3 == 0 && what == 4) {
                for (auto& w : writes) apply(w);
                std::vector<uint8_t> before = memory;
                dut->issue = 1;
                cycle();
                dut->issue = 0;
                for (uint32_t i = noise() % (3 * RESET); i > 0; i--) cycle();
                dut->reset = 1;
                for (int i = 0; i < RESET; i++) cycle();
                dut->reset = 0;
                writes.clear();
                memory = before;
            }
            dut->issue = 1;
            cycle();
            dut->issue = 0;
            uint32_t cycles = 0;
            do { cycle(); cycles++; } while (!done && cycles < LIMIT);
            std::vector<uint8_t> before = memory;
            for (auto& w : writes) apply(w);
            fwrite(&cycles, 4, 1, out);
            fwrite(memory.data(), 1, memory.size(), out);
            memory = before;
        }
    }
    fclose(out);
    dut->final();
    return 0;
}
