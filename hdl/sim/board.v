// A board under simulation: the core with its SDRAM chip.
module board (input clock, input reset, input serial_rx, output serial_tx, output running);
    wire cke, cs_n, ras_n, cas_n, we_n, dq_oe, done, error;
    wire [/*BANK_BITS*/ - 1:0] ba;
    wire [/*ROW_BITS*/ - 1:0] a;
    wire [/*DATA_BITS*/ / 8 - 1:0] dqm;
    wire [/*DATA_BITS*/ - 1:0] to_chip, from_chip;
    board_core core (
        .clock(clock), .reset(reset), .serial_rx(serial_rx), .serial_tx(serial_tx),
        .running(running), .done(done), .error(error),
        .sdram_cke(cke), .sdram_cs_n(cs_n), .sdram_ras_n(ras_n), .sdram_cas_n(cas_n), .sdram_we_n(we_n),
        .sdram_ba(ba), .sdram_a(a), .sdram_dqm(dqm), .sdram_dq_out(to_chip), .sdram_dq_oe(dq_oe),
        .sdram_dq_in(from_chip)
    );
    sdram_chip #(
        .CLOCK_PS(/*CLOCK_PS*/), .DATA_BITS(/*DATA_BITS*/), .BANK_BITS(/*BANK_BITS*/), .ROW_BITS(/*ROW_BITS*/),
        .COLUMN_BITS(/*COLUMN_BITS*/)
    ) chip (
        .clock(clock), .cke(cke), .cs_n(cs_n), .ras_n(ras_n), .cas_n(cas_n), .we_n(we_n), .ba(ba), .a(a), .dqm(dqm),
        .dq_in(to_chip), .dq_driven(dq_oe), .dq_out(from_chip)
    );
endmodule
