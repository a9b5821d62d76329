// Simulation model of an SDR SDRAM that refuses every command its datasheet forbids: an error is printed and ends the
// simulation. Only the modes that a controller of whole-row bursts needs are there: bursts of a full page, no
// auto-precharge, no power-down.
//
// The figures are those of the AS4C16M16SA-7 (16 Mi words of 16 bits), in picoseconds or in clocks as the datasheet has
// them; nothing is taken from the controller. `clock` is the chip's; a word that is read is in `dq_out` during the
// clock before the edge that is CAS-latency edges after the command's, anything else is noise.
`timescale 1ns / 1ps

module sdram_chip #(
    parameter CLOCK_PS = 10000,
    parameter DATA_BITS = 16,
    parameter BANK_BITS = 2,
    parameter ROW_BITS = 13,
    parameter COLUMN_BITS = 9,
    parameter T_CK2 = 10000,        // shortest clock for CAS latency 2
    parameter T_CK3 = 7000,         // and for 3
    parameter T_RCD = 21000,        // activate to read or write
    parameter T_RP = 21000,         // precharge to activate, refresh, mode
    parameter T_RAS = 42000,        // activate to precharge
    parameter T_RAS_MOST = 100000000,
    parameter T_RC = 63000,         // activate to activate of a bank
    parameter T_RFC = 63000,        // refresh to any command
    parameter T_RRD = 14000,        // activate to activate of another bank
    parameter T_WR = 14000,         // last word of a write to precharge
    parameter CK_MRD = 2,           // mode to any command, in clocks
    parameter T_PAUSE = 200000000,  // power-up to the first command
    parameter FIRST_REFRESHES = 8,  // before the first activate
    parameter REFRESHES = 8192,     // in every period
    parameter signed [63:0] T_REFRESH = 64'sd64000000000
) (
    input clock, input cke, input cs_n, input ras_n, input cas_n, input we_n,
    input [BANK_BITS - 1:0] ba, input [ROW_BITS - 1:0] a,
    input [DATA_BITS / 8 - 1:0] dqm, input [DATA_BITS - 1:0] dq_in, input dq_driven,
    output [DATA_BITS - 1:0] dq_out
);
    localparam BANKS = 1 << BANK_BITS;
    localparam BYTES = DATA_BITS / 8;
    // Rows of all banks in turn.
    reg [DATA_BITS - 1:0] memory [0:(1 << (BANK_BITS + ROW_BITS + COLUMN_BITS)) - 1] /* verilator public_flat_rw */;

    // Time of this edge, and of what was before it; long ago at first.
    reg signed [63:0] now = 0;
    localparam signed [63:0] NEVER = -64'sd1000000000000;
    reg signed [63:0] activated [0:BANKS - 1];
    reg signed [63:0] precharged [0:BANKS - 1];
    reg signed [63:0] written [0:BANKS - 1];
    reg signed [63:0] last_activate = NEVER;
    reg signed [63:0] last_refresh = NEVER;
    reg signed [63:0] last_mode = NEVER;
    reg signed [63:0] refreshed [0:REFRESHES - 1];
    integer oldest = 0;
    integer refreshes = 0;
    reg [BANKS - 1:0] open = 0;
    reg [ROW_BITS - 1:0] row [0:BANKS - 1];
    reg mode_set = 1'b0;
    reg commanded = 1'b0;
    integer cas = 3;

    // The burst under way.
    reg reading = 1'b0;
    reg writing = 1'b0;
    reg [BANK_BITS - 1:0] burst_bank = 0;
    reg [COLUMN_BITS - 1:0] burst_column = 0;
    // Words on their way out, [0] to appear at the next edge.
    reg [DATA_BITS - 1:0] word [0:1];
    reg [1:0] valid = 2'd0;
    reg [BYTES - 1:0] dqm_before = 0;
    reg [DATA_BITS - 1:0] shown = 0;
    // The chip drives its pins now, and did in the clock before.
    reg shows = 1'b0;
    reg showed = 1'b0;
    reg [DATA_BITS - 1:0] noise = 'h5a3c;
    assign dq_out = shown;

    integer i;
    initial for (i = 0; i < BANKS; i = i + 1) begin
        activated[i] = NEVER;
        precharged[i] = NEVER;
        written[i] = NEVER;
    end

    task wrong(input [8 * 48 - 1:0] what);
        begin
            $display("SDRAM: %0s at %0d ps", what, now);
            $fatal(1, "the SDRAM's datasheet forbids it");
        end
    endtask
    task least(input signed [63:0] since, input signed [63:0] time_needed, input [8 * 48 - 1:0] what);
        if (now - since < time_needed) wrong(what);
    endtask

    reg [2:0] command;
    reg [BANK_BITS - 1:0] bank;
    reg [BANK_BITS + ROW_BITS + COLUMN_BITS - 1:0] place;
    reg [DATA_BITS - 1:0] mask;
    localparam [2:0] MODE = 3'b000, REFRESH = 3'b001, PRECHARGE = 3'b010, ACTIVATE = 3'b011, WRITE = 3'b100,
        READ = 3'b101, STOP = 3'b110, NOTHING = 3'b111;

    task close(input integer which);
        begin
            if (open[which]) begin
                least(activated[which], T_RAS, "tRAS: precharge too soon");
                if (now - activated[which] > T_RAS_MOST) wrong("tRAS: a row is open too long");
                least(written[which], T_WR, "tWR: precharge too soon after a write");
                if (writing && burst_bank == which) wrong("a precharge cuts a write");
                if (reading && burst_bank == which) reading = 1'b0;
            end
            open[which] = 1'b0;
            precharged[which] = now;
        end
    endtask

    always @(posedge clock) begin
        command = cke && !cs_n ? {ras_n, cas_n, we_n} : NOTHING;
        bank = ba;
        if (mode_set && !cke) wrong("power-down is not modelled");
        if (command != NOTHING) begin
            if (!commanded && now < T_PAUSE) wrong("a command before the pause is over");
            commanded = 1'b1;
            least(last_refresh, T_RFC, "tRFC: a command too soon after refresh");
            least(last_mode, CK_MRD * CLOCK_PS, "tMRD: a command too soon after mode");
        end
        case (command)
            MODE: begin
                if (open != 0) wrong("mode with an open bank");
                for (i = 0; i < BANKS; i = i + 1) least(precharged[i], T_RP, "tRP: mode too soon after precharge");
                if (a[2:0] != 3'b111 || a[3] || a >> 7 != 0 || ba != 0) wrong("a mode that is not modelled");
                cas = a[6:4];
                if (cas != 2 && cas != 3) wrong("no such CAS latency");
                if (CLOCK_PS < (cas == 2 ? T_CK2 : T_CK3)) wrong("the clock is too fast for the CAS latency");
                for (i = 0; i < REFRESHES; i = i + 1) refreshed[i] = now;
                mode_set = 1'b1;
                last_mode = now;
            end
            REFRESH: begin
                if (open != 0) wrong("refresh with an open bank");
                for (i = 0; i < BANKS; i = i + 1) begin
                    least(precharged[i], T_RP, "tRP: refresh too soon after precharge");
                    least(activated[i], T_RC, "tRC: refresh too soon after activate");
                end
                refreshes = refreshes + 1;
                refreshed[oldest] = now;
                oldest = oldest + 1 == REFRESHES ? 0 : oldest + 1;
                last_refresh = now;
            end
            PRECHARGE: for (i = 0; i < BANKS; i = i + 1) if (a[10] || bank == i) close(i);
            ACTIVATE: begin
                if (!mode_set || refreshes < FIRST_REFRESHES) wrong("activate before initialisation is over");
                if (open[bank]) wrong("activate of an open bank");
                least(precharged[bank], T_RP, "tRP: activate too soon");
                least(activated[bank], T_RC, "tRC: activate too soon");
                least(last_activate, T_RRD, "tRRD: activate too soon after another");
                open[bank] = 1'b1;
                row[bank] = a;
                activated[bank] = now;
                last_activate = now;
            end
            READ, WRITE: begin
                if (!open[bank]) wrong("read or write of a closed bank");
                if (a[10]) wrong("auto-precharge is not modelled");
                if (a >> 11 != 0 || a[9:0] >> COLUMN_BITS != 0) wrong("no such column");
                least(activated[bank], T_RCD, "tRCD: read or write too soon");
                reading = command == READ;
                writing = command == WRITE;
                burst_bank = bank;
                burst_column = a[COLUMN_BITS - 1:0];
            end
            STOP: begin
                reading = 1'b0;
                writing = 1'b0;
            end
            default: ;
        endcase
        if (mode_set && now - refreshed[oldest] > T_REFRESH) wrong("tREF: too few refreshes");

        // The word of this edge.
        place = {row[burst_bank], burst_bank, burst_column};
        if (writing) begin
            if (!dq_driven) wrong("nobody drives the word that is written");
            mask = 0;
            for (i = 0; i < BYTES; i = i + 1) mask[8 * i +: 8] = {8{!dqm[i]}};
            if (mask != 0) begin
                memory[place] = (memory[place] & ~mask) | (dq_in & mask);
            end
            written[burst_bank] = now;
        end
        // The pins: nobody else may drive them while a word is out, nor in the clock after it.
        if (dq_driven && (shows || showed)) wrong("two drive the data pins");
        // What appears now is sampled by the next edge; its mask was sampled two edges before that one.
        noise = {noise[DATA_BITS - 2:0], noise[DATA_BITS - 1] ^ noise[DATA_BITS - 3]};
        mask = 0;
        for (i = 0; i < BYTES; i = i + 1) mask[8 * i +: 8] = {8{valid[0] && !dqm_before[i]}};
        shown <= (word[0] & mask) | (noise & ~mask);
        showed = shows;
        shows = valid[0];
        word[0] = word[1];
        valid = valid >> 1;
        if (reading) begin
            word[cas - 2] = memory[place];
            valid[cas - 2] = 1'b1;
        end
        if (reading || writing) burst_column = burst_column + 1'b1;
        dqm_before = dqm;
        now = now + CLOCK_PS;
    end
endmodule
