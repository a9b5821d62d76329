// A ULX3S: clocks, reset, lights, serial line over USB, and the SDRAM around the core.
module ulx3s (
    input clock, input serial_rx, output serial_tx, output [7:0] led, output wifi_gpio0,
    output sdram_clock, output sdram_cke, output sdram_cs_n, output sdram_ras_n, output sdram_cas_n, output sdram_we_n,
    output [12:0] sdram_a, output [1:0] sdram_ba, output [1:0] sdram_dqm, inout [15:0] sdram_dq
);
    wire machine_clock, chip_clock, reset;
    board_clocks clocks (
        .clock(clock), .machine_clock(machine_clock), .chip_clock(chip_clock), .reset(reset)
    );

    wire running, done, error;
    wire [15:0] dq_out, dq_in;
    wire dq_oe;
    board_core core (
        .clock(machine_clock), .reset(reset), .serial_rx(serial_rx), .serial_tx(serial_tx),
        .running(running), .done(done), .error(error),
        .sdram_cke(sdram_cke), .sdram_cs_n(sdram_cs_n), .sdram_ras_n(sdram_ras_n), .sdram_cas_n(sdram_cas_n),
        .sdram_we_n(sdram_we_n), .sdram_ba(sdram_ba), .sdram_a(sdram_a), .sdram_dqm(sdram_dqm),
        .sdram_dq_out(dq_out), .sdram_dq_oe(dq_oe), .sdram_dq_in(dq_in)
    );

    // The chip's clock leaves through a pad's register as all its other pins do.
    ODDRX1F clock_pad (.SCLK(chip_clock), .RST(1'b0), .D0(1'b1), .D1(1'b0), .Q(sdram_clock));
    genvar bit;
    generate
        for (bit = 0; bit < 16; bit = bit + 1) begin : pad
            BB data (.I(dq_out[bit]), .T(!dq_oe), .O(dq_in[bit]), .B(sdram_dq[bit]));
        end
    endgenerate

    assign led = {4'd0, !reset, error, done, running};
    // Low, it would hold the module for radio in its loader, which then takes the serial line.
    assign wifi_gpio0 = 1'b1;
endmodule
