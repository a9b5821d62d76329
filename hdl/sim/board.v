// A board under simulation: the core with its SDRAM chip.
module board (input clock, input reset, input serial_rx, output serial_tx, output running);
    wire done, error;
    // CHIP
    board_core core (
        .clock(clock), .reset(reset), .serial_rx(serial_rx), .serial_tx(serial_tx),
        .running(running), .done(done), .error(error),
        .sdram_cke(cke), .sdram_cs_n(cs_n), .sdram_ras_n(ras_n), .sdram_cas_n(cas_n), .sdram_we_n(we_n),
        .sdram_ba(ba), .sdram_a(a), .sdram_dqm(dqm), .sdram_dq_out(to_chip), .sdram_dq_oe(dq_oe),
        .sdram_dq_in(from_chip)
    );
endmodule
