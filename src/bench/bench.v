// Self-checking test bench of a network on the machine `tilewright`: loads the memory of every stage with the
// golden sample, starts the machine, and compares output bytes and cycles with the simulator's.
//
// In this folder, with Icarus Verilog 11 or Verilator 5.006 or later:
//   $ iverilog -g2012 -o bench -c files.f && vvp bench
//   $ verilator --binary -Wno-fatal --top-module bench -f files.f && obj_dir/Vbench
// With +pause=SEED the memory pauses at random: bytes stay, cycles are not compared. Ends with `equal`, or
// with `DIFFERENT` and a failing exit status.
`timescale 1ns / 1ps

module bench;
    // External memory: one port, bursts in the order of acceptance.
    localparam BUS_BYTES = /*BUS_BYTES*/;
    localparam LATENCY = /*LATENCY*/;
    localparam OUTSTANDING = /*OUTSTANDING*/;
    localparam MEMORY_BYTES = /*MEMORY_BYTES*/;
    localparam OUTPUT_BYTES = /*OUTPUT_BYTES*/;

    reg clock = 1'b0;
    always #5 clock = !clock;
    reg reset = 1'b1;

    reg register_write = 1'b0;
    reg [3:0] register_address = 4'd0;
    reg [31:0] register_write_data = 32'd0;
    wire [31:0] register_read_data;
    wire done;

    wire arvalid, awvalid, rready, bready, wvalid, wlast;
    wire [31:0] araddr, awaddr;
    wire [7:0] arlen, awlen;
    wire [8 * BUS_BYTES - 1:0] wdata, rdata;
    wire [BUS_BYTES - 1:0] wstrb;

    reg [7:0] memory [0:MEMORY_BYTES - 1];
    reg [7:0] expected [0:OUTPUT_BYTES - 1];

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
    integer seed = 0;
    reg pausing = 1'b0;
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

    tilewright machine (
        .clock(clock), .reset(reset),
        .register_write(register_write), .register_address(register_address),
        .register_write_data(register_write_data), .register_read_data(register_read_data), .done(done),
        .axi_arready(ready), .axi_arvalid(arvalid), .axi_araddr(araddr), .axi_arlen(arlen),
        .axi_arsize(), .axi_arburst(), .axi_arid(),
        .axi_rvalid(reads), .axi_rready(rready), .axi_rdata(rdata), .axi_rresp(2'd0), .axi_rlast(reads && last),
        .axi_awready(ready), .axi_awvalid(awvalid), .axi_awaddr(awaddr), .axi_awlen(awlen),
        .axi_awsize(), .axi_awburst(), .axi_awid(),
        .axi_wready(writes), .axi_wvalid(wvalid), .axi_wdata(wdata), .axi_wstrb(wstrb), .axi_wlast(wlast),
        .axi_bvalid(answers), .axi_bready(bready), .axi_bresp(2'd0),
        .unit_issue(), .unit_done()
    );

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

    integer stage = 0;
    integer wrong = 0;
    integer byte_number;
    integer largest;

    task begin_stage(input integer number, input [8 * 40 - 1:0] image, input [8 * 40 - 1:0] outputs);
        begin
            stage = number;
            for (byte_number = 0; byte_number < MEMORY_BYTES; byte_number = byte_number + 1)
                memory[byte_number] = 8'd0;
            for (byte_number = 0; byte_number < OUTPUT_BYTES; byte_number = byte_number + 1)
                expected[byte_number] = 8'd0;
            $readmemh(image, memory);
            $readmemh(outputs, expected);
        end
    endtask

    task write(input [3:0] address, input [31:0] data);
        begin
            register_write <= 1'b1;
            register_address <= address;
            register_write_data <= data;
            @(posedge clock);
            register_write <= 1'b0;
        end
    endtask

    // The word is there in the cycle after its address.
    task read(input [3:0] address, output [31:0] data);
        begin
            register_address <= address;
            @(posedge clock);
            @(posedge clock);
            #1 data = register_read_data;
            @(posedge clock);
        end
    endtask

    task list(input integer unit, input [31:0] address, input [31:0] instructions);
        begin
            write(/*ADDRESS*/ + unit, address);
            write(/*COUNT*/ + unit, instructions);
        end
    endtask

    // The machine is the one that the programs were compiled for; it would find out itself.
    reg [31:0] key;
    task check_key;
        begin
            read(/*ISA*/, key);
            if (key != 32'd/*KEY*/) begin
                $display("the machine runs programs of key %0h, these have %0h", key, 32'd/*KEY*/);
                wrong = wrong + 1;
            end
        end
    endtask

    reg [31:0] errors, low, high;
    reg [63:0] limit;
    task run(input [63:0] cycles);
        begin
            // A run that takes far longer than the simulator's is ended by the machine.
            limit = 64'd16 * cycles + 64'd100000;
            write(/*LIMIT*/, limit > 64'hffffffff ? 32'd0 : limit[31:0]);
            write(/*BASE*/, 32'd0);
            write(/*CONTROL*/, 32'd1);
            @(posedge clock);
            @(posedge clock);
            while (!done) @(posedge clock);
            read(/*ERROR*/, errors);
            read(/*CYCLES*/, low);
            read(/*CYCLES*/ + 1, high);
            $display("stage %0d: %0d cycles, errors %0d", stage, {high, low}, errors);
            if (errors != 0) wrong = wrong + 1;
            if (!pausing && {high, low} != cycles) begin
                $display("stage %0d: the simulator has %0d cycles", stage, cycles);
                wrong = wrong + 1;
            end
        end
    endtask

    task compare(input integer address, input integer from, input integer bytes);
        begin
            largest = 0;
            for (byte_number = 0; byte_number < bytes; byte_number = byte_number + 1) begin
                if (memory[address + byte_number] !== expected[from + byte_number]) begin
                    if (wrong < 10)
                        $display("stage %0d, byte %0d of the output at %0d: %0d, the simulator has %0d", stage,
                            byte_number, address, $signed(memory[address + byte_number]),
                            $signed(expected[from + byte_number]));
                    wrong = wrong + 1;
                end
                if ($signed(memory[address + byte_number]) > $signed(memory[address + largest]))
                    largest = byte_number;
            end
            $display("stage %0d: %0d bytes at %0d, the largest is number %0d", stage, bytes, address, largest);
        end
    endtask

    initial begin
        if ($value$plusargs("pause=%d", seed)) pausing = 1'b1;
        repeat (4) @(posedge clock);
        reset <= 1'b0;
        @(posedge clock);
        check_key;
        // RUNS
        if (wrong == 0) begin
            $display("equal");
            $finish;
        end else begin
            $display("DIFFERENT");
            $fatal(1, "bytes or cycles differ");
        end
    end
endmodule
