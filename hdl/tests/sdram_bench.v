// Bursts of a file through the controller to the chip: prints when each of them was accepted, moved and answered.
//
// A line of `bursts.hex` is a number of 64 bits: [31:0] address, [39:32] beats less one, [40] write, [41] a run begins
// before it, [63:48] cycles from the acceptance before (or the start) to the command at the earliest. All ones end the list.
`timescale 1ns / 1ps

module bench;
    localparam MOST = 1 << 17;
    localparam WORD = /*DATA_BITS*/;
    localparam BYTES = WORD / 8;
    reg clock = 1'b0;
    always #5 clock = !clock;
    reg reset = 1'b1;
    reg [63:0] bursts [0:MOST - 1];
    integer next = 0;
    wire [63:0] burst = bursts[next];
    reg signed [31:0] cycle = 0;
    reg signed [31:0] from = 0;
    reg running = 1'b0;
    reg start_request = 1'b0;
    reg requested = 1'b0;
    wire ready, start;

    wire arready, awready, rvalid, rlast, wready, bvalid;
    wire [1:0] rresp, bresp;
    wire [WORD - 1:0] rdata;
    wire shows = running && !burst[41] && !(&burst) && cycle >= from;
    wire arvalid = shows && !burst[40];
    wire awvalid = shows && burst[40];

    // Words that are written: a hash of the burst's number and the beat's; strobes too.
    integer writing [0:15];
    reg [3:0] writes_first = 0;
    reg [3:0] writes_last = 0;
    reg [7:0] beat = 0;
    integer under_way = 0;
    wire [31:0] hash = (writing[writes_first] * 256 + beat) * 32'h9e3779b1;
    wire [31:0] word = hash ^ hash >> 15;
    wire ends = beat == 8'd0 || beat == bursts[writing[writes_first]][39:32];
    wire [BYTES - 1:0] strobes = (/*MASKS*/ || ends) && hash[27:26] == 2'd0 ? hash[24 -: BYTES] : {BYTES{1'b1}};
    wire wlast = 1'b0;

    wire cke, cs_n, ras_n, cas_n, we_n, dq_oe;
    wire [/*BANK_BITS*/ - 1:0] ba;
    wire [/*ROW_BITS*/ - 1:0] a;
    wire [BYTES - 1:0] dqm;
    wire [WORD - 1:0] to_chip, from_chip;

    sdram controller (
        .clock(clock), .reset(reset), .ready(ready), .start_request(start_request), .start(start),
        .axi_arvalid(arvalid), .axi_araddr(burst[31:0]), .axi_arlen(burst[39:32]), .axi_arsize(3'd0),
        .axi_arburst(2'd1), .axi_arid(1'b0), .axi_rready(1'b1), .axi_awvalid(awvalid), .axi_awaddr(burst[31:0]),
        .axi_awlen(burst[39:32]), .axi_awsize(3'd0), .axi_awburst(2'd1), .axi_awid(1'b0), .axi_wvalid(writes_first != writes_last),
        .axi_wdata(word[WORD - 1:0]), .axi_wstrb(strobes), .axi_wlast(wlast), .axi_bready(1'b1),
        .axi_arready(arready), .axi_rvalid(rvalid), .axi_rdata(rdata), .axi_rresp(rresp), .axi_rlast(rlast),
        .axi_awready(awready), .axi_wready(wready), .axi_bvalid(bvalid), .axi_bresp(bresp),
        .sdram_cke(cke), .sdram_cs_n(cs_n), .sdram_ras_n(ras_n), .sdram_cas_n(cas_n), .sdram_we_n(we_n), .sdram_ba(ba),
        .sdram_a(a), .sdram_dqm(dqm), .sdram_dq_out(to_chip), .sdram_dq_oe(dq_oe), .sdram_dq_in(from_chip)
    );
    sdram_chip #(/*CHIP*/) chip (
        .clock(clock), .cke(cke), .cs_n(cs_n), .ras_n(ras_n), .cas_n(cas_n), .we_n(we_n), .ba(ba), .a(a), .dqm(dqm),
        .dq_in(to_chip), .dq_driven(dq_oe), .dq_out(from_chip)
    );

    integer silent = 0;
    initial $readmemh("bursts.hex", bursts);
    always @(posedge clock) begin
        reset <= 1'b0;
        start_request <= 1'b0;
        cycle <= cycle + 1;
        silent <= silent + 1;
        if (silent > 100000) begin
            $display("hangs");
            $fatal(1, "nothing happens");
        end
        if (&burst && under_way == 0) begin
            $display("end");
            $finish;
        end
        // A run begins when all before it has ended; the cycle of `start` is cycle 0.
        if (ready && burst[41] && !(&burst) && under_way == 0 && !requested) begin
            start_request <= 1'b1;
            requested <= 1'b1;
            running <= 1'b0;
        end
        if (start) begin
            $display("start");
            cycle <= 1;
            from <= burst[63:48];
            running <= 1'b1;
            requested <= 1'b0;
            bursts[next][41] <= 1'b0;
            silent <= 0;
        end
        if (arvalid && arready || awvalid && awready) begin
            $display("accept %0d %0d", next, cycle);
            next <= next + 1;
            from <= cycle + bursts[next + 1][63:48];
            if (awvalid) begin
                writing[writes_last] <= next;
                writes_last <= writes_last + 4'd1;
            end
            silent <= 0;
        end
        under_way <= under_way + (shows && arready ? 1 : 0) - (rvalid && rlast || bvalid ? 1 : 0);
        if (rvalid) $display("read %0d %0h %0d %0d", cycle, rdata, rresp, rlast);
        if (wready) begin
            if (writes_first == writes_last) $fatal(1, "a word is taken that nobody wrote");
            $display("write %0d %0h %0h", cycle, word[WORD - 1:0], strobes);
            beat <= beat == bursts[writing[writes_first]][39:32] ? 8'd0 : beat + 8'd1;
            if (beat == bursts[writing[writes_first]][39:32]) writes_first <= writes_first + 4'd1;
        end
        if (bvalid) $display("answer %0d %0d", cycle, bresp);
    end
endmodule
