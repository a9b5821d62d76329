// The clocks of a board with an ECP5, and its reset.
module board_clocks (input clock, output machine_clock, output chip_clock, output reset);
    // /*IN_MHZ*/ MHz to /*OUT_MHZ*/ MHz; the chip's clock is /*PHASE*/ degrees behind the machine's.
    wire locked;
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
    reg waits = 1;
    always @(posedge machine_clock) waits <= !steady[7];
    assign reset = waits;
endmodule
