    // A host on the AXI4-Lite slave, in the place of one on the register port.
    reg lite_awvalid = 1'b0, lite_wvalid = 1'b0, lite_arvalid = 1'b0;
    wire lite_awready, lite_wready, lite_bvalid, lite_arready, lite_rvalid;
    wire [1:0] lite_bresp, lite_rresp;

    task write(input [3:0] address, input [31:0] data);
        begin
            register_address <= address;
            register_write_data <= data;
            lite_awvalid <= 1'b1;
            lite_wvalid <= 1'b1;
            @(posedge clock);
            while (!(lite_awready && lite_wready)) @(posedge clock);
            lite_awvalid <= 1'b0;
            lite_wvalid <= 1'b0;
            while (!lite_bvalid) @(posedge clock);
            if (lite_bresp != 2'd0) $fatal(1, "a write was refused");
            @(posedge clock);
        end
    endtask

    task read(input [3:0] address, output [31:0] data);
        begin
            register_address <= address;
            lite_arvalid <= 1'b1;
            @(posedge clock);
            while (!lite_arready) @(posedge clock);
            lite_arvalid <= 1'b0;
            while (!lite_rvalid) @(posedge clock);
            data = register_read_data;
            @(posedge clock);
        end
    endtask

