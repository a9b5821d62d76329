// What boards with an ECP5 and an SDR SDRAM have in common: clocks, reset and pads around the core. A board that ties a pin
// of the chip leaves it open here.
module sdram_board #(parameter ADDRESS = 13, parameter DATA = 16) (
    input clock, input serial_rx, output serial_tx, output running, output done, output error, output steady_clock,
    output sdram_clock, output sdram_cke, output sdram_cs_n, output sdram_ras_n, output sdram_cas_n, output sdram_we_n,
    output [ADDRESS-1:0] sdram_a, output [1:0] sdram_ba, output [DATA/8-1:0] sdram_dqm, inout [DATA-1:0] sdram_dq
);
    // /*IN_MHZ*/ MHz to /*OUT_MHZ*/ MHz; the chip's clock is /*PHASE*/ degrees behind the machine's.
    wire machine_clock, chip_clock, locked;
    (* FREQUENCY_PIN_CLKI = "/*IN_MHZ*/" *) (* FREQUENCY_PIN_CLKOP = "/*OUT_MHZ*/" *) (* FREQUENCY_PIN_CLKOS = "/*OUT_MHZ*/" *)
    (* ICP_CURRENT = "12" *) (* LPF_RESISTOR = "8" *) (* MFG_ENABLE_FILTEROPAMP = "1" *) (* MFG_GMCREF_SEL = "2" *)
    EHXPLLL #(
        .PLLRST_ENA("DISABLED"), .INTFB_WAKE("DISABLED"), .STDBY_ENABLE("DISABLED"), .DPHASE_SOURCE("DISABLED"),
        .OUTDIVIDER_MUXA("DIVA"), .OUTDIVIDER_MUXB("DIVB"), .OUTDIVIDER_MUXC("DIVC"), .OUTDIVIDER_MUXD("DIVD"),
        .CLKI_DIV(/*CLKI_DIV*/), .CLKFB_DIV(/*CLKFB_DIV*/), .FEEDBK_PATH("CLKOP"),
        .CLKOP_ENABLE("ENABLED"), .CLKOP_DIV(/*CLKOP_DIV*/), .CLKOP_CPHASE(/*CLKOP_CPHASE*/), .CLKOP_FPHASE(0),
        .CLKOS_ENABLE("ENABLED"), .CLKOS_DIV(/*CLKOP_DIV*/), .CLKOS_CPHASE(/*CLKOS_CPHASE*/), .CLKOS_FPHASE(/*CLKOS_FPHASE*/)
    ) pll (
        .CLKI(clock), .CLKOP(machine_clock), .CLKOS(chip_clock), .CLKFB(machine_clock), .CLKINTFB(), .LOCK(locked),
        .RST(1'b0), .STDBY(1'b0), .PHASESEL0(1'b0), .PHASESEL1(1'b0), .PHASEDIR(1'b1), .PHASESTEP(1'b1),
        .PHASELOADREG(1'b1), .PLLWAKESYNC(1'b0), .ENCLKOP(1'b0)
    );

    // In reset until the clock has been steady for some cycles, and again whenever it is not.
    reg [7:0] steady = 0;
    always @(posedge machine_clock or negedge locked) begin
        if (!locked) steady <= 0;
        else steady <= {steady[6:0], 1'b1};
    end
    reg reset = 1;
    always @(posedge machine_clock) reset <= !steady[7];
    assign steady_clock = !reset;

    wire [DATA-1:0] dq_out, dq_in;
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
        for (bit = 0; bit < DATA; bit = bit + 1) begin : pad
            BB data (.I(dq_out[bit]), .T(!dq_oe), .O(dq_in[bit]), .B(sdram_dq[bit]));
        end
    endgenerate
endmodule
