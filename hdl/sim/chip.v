    // The chip, and the wires of its pins.
    wire cke, cs_n, ras_n, cas_n, we_n, dq_oe;
    wire [/*BANK_BITS*/ - 1:0] ba;
    wire [/*ROW_BITS*/ - 1:0] a;
    wire [/*DATA_BITS*/ / 8 - 1:0] dqm;
    wire [/*DATA_BITS*/ - 1:0] to_chip, from_chip;
    sdram_chip #(
        .CLOCK_PS(/*CLOCK_PS*/), .DATA_BITS(/*DATA_BITS*/), .BANK_BITS(/*BANK_BITS*/), .ROW_BITS(/*ROW_BITS*/),
        .COLUMN_BITS(/*COLUMN_BITS*/)
    ) chip (
        .clock(clock), .cke(cke), .cs_n(cs_n), .ras_n(ras_n), .cas_n(cas_n), .we_n(we_n), .ba(ba), .a(a), .dqm(dqm),
        .dq_in(to_chip), .dq_driven(dq_oe), .dq_out(from_chip)
    );
