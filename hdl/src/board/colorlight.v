// The pins of a Colorlight i5 or i9, which ties the chip's clock enable, its select and the masks of its bytes.
module /*TOP*/ (
    input clock, input serial_rx, output serial_tx, output led_n,
    output sdram_clock, output sdram_ras_n, output sdram_cas_n, output sdram_we_n,
    output [10:0] sdram_a, output [1:0] sdram_ba, inout [31:0] sdram_dq
);
    wire running, done, error;
    sdram_board #(.ADDRESS(11), .DATA(32)) board (
        .clock(clock), .serial_rx(serial_rx), .serial_tx(serial_tx),
        .running(running), .done(done), .error(error), .steady_clock(),
        .sdram_clock(sdram_clock), .sdram_cke(), .sdram_cs_n(), .sdram_ras_n(sdram_ras_n),
        .sdram_cas_n(sdram_cas_n), .sdram_we_n(sdram_we_n), .sdram_a(sdram_a), .sdram_ba(sdram_ba),
        .sdram_dqm(), .sdram_dq(sdram_dq)
    );

    // Lit while a run is under way or has gone well.
    assign led_n = !(running || done && !error);
endmodule
