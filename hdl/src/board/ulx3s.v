// The pins of a ULX3S.
module /*TOP*/ (
    input clock, input serial_rx, output serial_tx, output [7:0] led, output wifi_gpio0,
    output sdram_clock, output sdram_cke, output sdram_cs_n, output sdram_ras_n, output sdram_cas_n, output sdram_we_n,
    output [12:0] sdram_a, output [1:0] sdram_ba, output [1:0] sdram_dqm, inout [15:0] sdram_dq
);
    wire running, done, error, steady;
    sdram_board #(.ADDRESS(13), .DATA(16)) board (
        .clock(clock), .serial_rx(serial_rx), .serial_tx(serial_tx),
        .running(running), .done(done), .error(error), .steady_clock(steady),
        .sdram_clock(sdram_clock), .sdram_cke(sdram_cke), .sdram_cs_n(sdram_cs_n), .sdram_ras_n(sdram_ras_n),
        .sdram_cas_n(sdram_cas_n), .sdram_we_n(sdram_we_n), .sdram_a(sdram_a), .sdram_ba(sdram_ba),
        .sdram_dqm(sdram_dqm), .sdram_dq(sdram_dq)
    );

    assign led = {4'd0, steady, error, done, running};
    // Low, it would hold the module for radio in its loader, which then takes the serial line.
    assign wifi_gpio0 = 1'b1;
endmodule
