    // External memory: one port, bursts in the order of acceptance.
    localparam LATENCY = /*LATENCY*/;
    localparam OUTSTANDING = /*OUTSTANDING*/;

    // Bursts that were accepted and have not ended, oldest first.
    reg burst_write [0:OUTSTANDING - 1];
    reg [31:0] burst_address [0:OUTSTANDING - 1];
    reg [31:0] burst_beats [0:OUTSTANDING - 1];
    reg [63:0] burst_accepted [0:OUTSTANDING - 1];
    integer first = 0;
    integer count = 0;
    reg [31:0] beats_done = 32'd0;
    integer responses = 0;
    reg [63:0] now = 64'd0;

    // Pauses, drawn once a cycle.
    reg [2:0] pause = 3'd0;

    wire ready = count < OUTSTANDING && !pause[0];
    wire moves = count != 0 && now >= burst_accepted[first] + LATENCY && !pause[1];
    wire reads = moves && !burst_write[first];
    wire writes = moves && burst_write[first];
    wire last = beats_done + 32'd1 == burst_beats[first];
    wire [31:0] place = burst_address[first] + beats_done * BUS_BYTES;
    wire answers = responses != 0 && !pause[2];
    genvar byte_index;
    generate
        for (byte_index = 0; byte_index < BUS_BYTES; byte_index = byte_index + 1) begin : lane
            assign rdata[8 * byte_index +: 8] = reads ? memory[place + byte_index] : 8'ha5;
        end
    endgenerate

    wire moved = reads && rready || writes && wvalid;
    wire accepted = ready && (arvalid || awvalid);
    integer at;
    integer i;
    always @(posedge clock) begin
        now <= now + 64'd1;
        pause <= pausing ? $random(seed) : 3'd0;
        if (writes && wvalid)
            for (i = 0; i < BUS_BYTES; i = i + 1)
                if (wstrb[i]) memory[place + i] <= wdata[8 * i +: 8];
        if (accepted) begin
            at = first + count;
            if (at >= OUTSTANDING) at = at - OUTSTANDING;
            burst_write[at] <= awvalid;
            burst_address[at] <= awvalid ? awaddr : araddr;
            burst_beats[at] <= 32'd1 + (awvalid ? awlen : arlen);
            burst_accepted[at] <= now;
        end
        if (moved) beats_done <= last ? 32'd0 : beats_done + 32'd1;
        if (moved && last) first <= first + 1 == OUTSTANDING ? 0 : first + 1;
        count <= count + (accepted ? 1 : 0) - (moved && last ? 1 : 0);
        responses <= responses + (writes && wvalid && last ? 1 : 0) - (answers && bready ? 1 : 0);
    end

    assign {arready, awready} = {ready, ready};
    assign {rvalid, rlast, rresp} = {reads, reads && last, 2'd0};
    assign wready = writes;
    assign {bvalid, bresp} = {answers, 2'd0};

    assign starts = 1'b0;
    task memory_to_chip; begin end endtask
    task memory_from_chip; begin end endtask
    task start_run;
        write(/*CONTROL*/, 32'd1);
    endtask
