// A board under Verilator behind a pair of pipes: standard input is what a host sends on the serial line, standard
// output what it receives. What the model itself prints goes to standard error. Arguments: cycles of a bit, cycles after which a board with nothing to do waits for input.
#include "Vboard.h"
#include "verilated.h"
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>
#include <vector>

static Vboard* top;
static int output;
static std::deque<uint8_t> to_board;
static std::vector<uint8_t> from_board;

// Takes what the host has sent; waits for something if `wait`. Without a host there is nothing more to do.
static void listen(bool wait) {
    pollfd one = {0, POLLIN, 0};
    if (poll(&one, 1, wait ? -1 : 0) <= 0) return;
    uint8_t bytes[4096];
    const ssize_t count = read(0, bytes, sizeof bytes);
    if (count <= 0) exit(0);
    to_board.insert(to_board.end(), bytes, bytes + count);
}

static void tell() {
    size_t done = 0;
    while (done < from_board.size()) {
        const ssize_t count = write(output, from_board.data() + done, from_board.size() - done);
        if (count <= 0) exit(0);
        done += count;
    }
    from_board.clear();
}

int main(int argc, char** argv) {
    if (argc != 3) return 4;
    const uint64_t divider = strtoull(argv[1], nullptr, 10), patience = strtoull(argv[2], nullptr, 10);
    output = dup(1);
    dup2(2, 1);
    top = new Vboard;
    top->reset = 1;
    top->serial_rx = 1;
    uint64_t quiet = 0;     // cycles without a byte either way and without a run
    uint64_t out_wait = 0;  // cycles until the next bit to the board
    unsigned out_bits = 0, out_left = 0;
    uint64_t in_wait = 0, told = 0;
    unsigned in_bits = 0, in_left = 0;
    for (uint64_t cycle = 0;; cycle++) {
        top->reset = cycle < 64;
        if (out_wait == 0) {
            if (out_left == 0 && !to_board.empty() && cycle > 128) {
                // Start bit, eight bits, stop bit.
                out_bits = unsigned(to_board.front()) << 1 | 0x200;
                out_left = 10;
                to_board.pop_front();
                quiet = 0;
            }
            top->serial_rx = out_left == 0 || (out_bits & 1);
            if (out_left > 0) {
                out_bits >>= 1;
                out_left--;
                out_wait = divider;
            }
        }
        if (out_wait > 0) out_wait--;
        top->clock = 0;
        top->eval();
        if (in_left == 0) {
            if (!top->serial_tx) {
                in_left = 9;
                in_wait = divider + divider / 2;
                in_bits = 0;
            }
        }
        if (in_left > 0 && in_wait-- == 0) {
            in_bits = in_bits >> 1 | unsigned(top->serial_tx) << 8;
            in_wait = divider - 1;
            if (--in_left == 0) {
                if (!(in_bits >> 8)) return 5;
                from_board.push_back(uint8_t(in_bits));
                quiet = told = 0;
            }
        }
        top->clock = 1;
        top->eval();
        if (top->running) quiet = 0;
        quiet++;
        if (!from_board.empty() && (from_board.size() >= 256 || told++ > 16 * divider)) {
            tell();
            told = 0;
        }
        if (to_board.empty()) {
            if (quiet > patience) {
                listen(true);
                quiet = 0;
            } else if (cycle % 256 == 0) {
                listen(false);
            }
        }
    }
}
