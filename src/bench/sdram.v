    // External memory: an SDR SDRAM and its controller, which begins a run when the chip is in the state of cycle 0.
    wire ready;
    // CHIP
    reg start_request = 1'b0;
    sdram controller (
        .clock(clock), .reset(reset), .ready(ready), .start_request(start_request), .start(starts),
        .axi_arvalid(arvalid), .axi_arready(arready), .axi_araddr(araddr), .axi_arlen(arlen),
        .axi_arsize(3'd0), .axi_arburst(2'd1), .axi_arid(1'b0),
        .axi_rvalid(rvalid), .axi_rready(rready), .axi_rdata(rdata), .axi_rresp(rresp), .axi_rlast(rlast),
        .axi_awvalid(awvalid), .axi_awready(awready), .axi_awaddr(awaddr), .axi_awlen(awlen),
        .axi_awsize(3'd0), .axi_awburst(2'd1), .axi_awid(1'b0),
        .axi_wvalid(wvalid), .axi_wready(wready), .axi_wdata(wdata), .axi_wstrb(wstrb), .axi_wlast(wlast),
        .axi_bvalid(bvalid), .axi_bready(bready), .axi_bresp(bresp),
        .sdram_cke(cke), .sdram_cs_n(cs_n), .sdram_ras_n(ras_n), .sdram_cas_n(cas_n), .sdram_we_n(we_n),
        .sdram_ba(ba), .sdram_a(a), .sdram_dqm(dqm), .sdram_dq_out(to_chip), .sdram_dq_oe(dq_oe),
        .sdram_dq_in(from_chip)
    );

    // Words of the chip follow each other as the bytes do.
    integer part;
    task memory_to_chip;
        for (byte_number = 0; byte_number < MEMORY_BYTES; byte_number = byte_number + BUS_BYTES)
            for (part = 0; part < BUS_BYTES; part = part + 1)
                chip.memory[byte_number / BUS_BYTES][8 * part +: 8] = memory[byte_number + part];
    endtask
    task memory_from_chip;
        for (byte_number = 0; byte_number < MEMORY_BYTES; byte_number = byte_number + BUS_BYTES)
            for (part = 0; part < BUS_BYTES; part = part + 1)
                memory[byte_number + part] = chip.memory[byte_number / BUS_BYTES][8 * part +: 8];
    endtask
    task start_run;
        begin
            while (!ready) @(posedge clock);
            start_request <= 1'b1;
            @(posedge clock);
            start_request <= 1'b0;
            while (!starts) @(posedge clock);
        end
    endtask
