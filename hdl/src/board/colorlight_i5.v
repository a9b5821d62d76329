// A Colorlight i5: clocks, reset, light, serial line, and the SDRAM around the core. The board ties the chip's clock
// enable and its select, and the masks of its bytes.
module colorlight_i5 (
    input clock, input serial_rx, output serial_tx, output led_n,
    output sdram_clock, output sdram_ras_n, output sdram_cas_n, output sdram_we_n,
    output [10:0] sdram_a, output [1:0] sdram_ba, inout [31:0] sdram_dq
);
    wire machine_clock, chip_clock, reset;
    board_clocks clocks (
        .clock(clock), .machine_clock(machine_clock), .chip_clock(chip_clock), .reset(reset)
    );

    wire running, done, error;
    wire [31:0] dq_out, dq_in;
    wire dq_oe;
    board_core core (
        .clock(machine_clock), .reset(reset), .serial_rx(serial_rx), .serial_tx(serial_tx),
        .running(running), .done(done), .error(error),
        .sdram_cke(), .sdram_cs_n(), .sdram_ras_n(sdram_ras_n), .sdram_cas_n(sdram_cas_n),
        .sdram_we_n(sdram_we_n), .sdram_ba(sdram_ba), .sdram_a(sdram_a), .sdram_dqm(),
        .sdram_dq_out(dq_out), .sdram_dq_oe(dq_oe), .sdram_dq_in(dq_in)
    );

    // The chip's clock leaves through a pad's register as all its other pins do.
    ODDRX1F clock_pad (.SCLK(chip_clock), .RST(1'b0), .D0(1'b1), .D1(1'b0), .Q(sdram_clock));
    genvar bit;
    generate
        for (bit = 0; bit < 32; bit = bit + 1) begin : pad
            BB data (.I(dq_out[bit]), .T(!dq_oe), .O(dq_in[bit]), .B(sdram_dq[bit]));
        end
    endgenerate

    // Lit while a run is under way or has gone well.
    assign led_n = !(running || done && !error);
endmodule
